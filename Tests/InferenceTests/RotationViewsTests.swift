// SPDX-License-Identifier: MIT

import Images
import TestSupport
import Testing

@testable import Inference

@Suite("RotationViews")
struct RotationViewsTests {
    /// The logits of a network that sees each view's turn with some noise.
    private func views(turnedBy quarter: Int, order: [Int], noise: (Int, Int) -> Float) -> [[Float]] {
        (0..<4).map { view in
            order.map { degrees in
                (degrees == (quarter + view) % 4 ? 3 : 0) + noise(view, degrees)
            }
        }
    }

    @Test("views shifted back agree on the photo's own turn, whatever the order of the labels", arguments: 0...3)
    func agrees(quarter: Int) throws {
        for order in [[0, 1, 2, 3], [2, 0, 3, 1]] {
            let combination = try #require(RotationViews(labels: order.map { String($0 * 90) }))
            let logits = combination.combined(views(turnedBy: quarter, order: order) { _, _ in 0 })
            #expect(logits == order.map { $0 == quarter ? 3 : 0 })
        }
    }

    @Test("one view that errs is outvoted")
    func outvotes() throws {
        let combination = try #require(RotationViews(labels: ["0", "90", "180", "270"]))
        var views = views(turnedBy: 1, order: [0, 1, 2, 3]) { _, _ in 0 }
        views[0] = [9, 0, 0, 0]
        let logits = combination.combined(views)
        #expect(logits[1] == 2.25 && logits[0] == 2.25)
        views[0] = [8, 0, 0, 0]
        #expect(
            combination.combined(views).indices.max {
                combination.combined(views)[$0] < combination.combined(views)[$1]
            } == 1)
    }

    @Test("the combination is that of log-probabilities: a constant added to a view's logits changes no answer")
    func ignoresConstants() throws {
        var generator = SeededGenerator(seed: 4)
        let combination = try #require(RotationViews(labels: ["0", "90", "180", "270"]))
        let views = views(turnedBy: 2, order: [0, 1, 2, 3]) { _, _ in Float.random(in: -1...1, using: &generator) }
        let plain = combination.combined(views)
        let shifted = combination.combined(
            views.enumerated().map { view, logits in logits.map { $0 + Float(view) * 4 } })
        for index in 0..<4 { #expect(abs(shifted[index] - plain[index] - 6) < 1e-5) }
    }

    @Test("other labels have no four views")
    func rejectsOthers() {
        #expect(RotationViews(labels: ["0", "90", "180"]) == nil)
        #expect(RotationViews(labels: ["0", "90", "180", "180"]) == nil)
        #expect(RotationViews(labels: ["a", "b", "c", "d"]) == nil)
    }

    @Test("views are the picture's turns")
    func turns() throws {
        let image = try Image(width: 2, height: 2, format: .gray8, pixels: [1, 2, 3, 4])
        #expect(
            RotationViews.views(of: image).map(\.pixels) == [
                [1, 2, 3, 4], [2, 4, 1, 3], [4, 3, 2, 1], [3, 1, 4, 2],
            ])
    }
}
