// SPDX-License-Identifier: MIT

import Images

/// A photo seen in its four turns: a rotation model's answers to them, shifted back, make one that is surer.
///
/// A photo that is turned by d degrees is turned by d + 90k when it is turned k times more. So each view gives a
/// log-probability to every d, and these are added.
struct RotationViews: Sendable {
    /// How many views there are.
    static let count = 4
    /// The classes of 0, 90, 180 and 270 degrees.
    private let classes: [Int]

    /// Nil unless the labels are 0, 90, 180 and 270, each once, in any order.
    init?(labels: [String]) {
        let classes = ["0", "90", "180", "270"].compactMap { labels.firstIndex(of: $0) }
        guard Rotation.areDegrees(labels), labels.count == Self.count, classes.count == Self.count else { return nil }
        self.classes = classes
    }

    /// The picture turned counter-clockwise by 0, 90, 180 and 270 degrees.
    static func views(of picture: Image) -> [Image] { (0..<count).map(picture.turned) }

    /// The logits that stand for all views.
    ///
    /// Log-probabilities are averaged rather than summed: the class is the same, and the views, which show one photo, are
    /// no four witnesses that make an answer four times as sure. A logit is its class's log-probability and a number that
    /// all classes of a view share, so logits do as well.
    ///
    /// Shape: [4][4] → [4], Float32.
    ///
    /// - Parameter views: The logits of each view, in the order of ``views(of:)``.
    func combined(_ views: [[Float]]) -> [Float] {
        precondition(views.count == Self.count, "there is an answer for each view")
        var result = [Float](repeating: 0, count: Self.count)
        for (turn, logits) in views.enumerated() {
            for quarter in 0..<Self.count {
                result[classes[quarter]] += logits[classes[(quarter + turn) % Self.count]] / Float(Self.count)
            }
        }
        return result
    }
}
