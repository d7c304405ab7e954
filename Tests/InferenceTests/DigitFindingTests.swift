// SPDX-License-Identifier: MIT

import Images
import Inference
import TestSupport
import Testing

/// Digits as phones see them: each condition spoils a page that holds one digit, or draws it with another pen.
@Suite("A digit is found")
struct DigitFindingTests {
    private func predictor() throws -> Predictor {
        try Predictor(LoadedModel("mnist", in: ModelRepository(path: packageFolder + "/Weights")))
    }

    @Test("whatever the light, the paper and the pen", arguments: DigitCondition.allCases)
    func conditions(_ condition: DigitCondition) throws {
        let predictor = try predictor()
        for digit in [2, 3, 4, 5, 7] {
            let picture = try condition.page(digit).image()
            let prepared = try DigitPreparation.prepared(picture)
            let answer = try predictor.predict(pixels: prepared.pixels)[0]
            #expect(answer.label == String(digit), "\(condition.rawValue) \(digit): \(answer.label)")
        }
    }

    @Test("a one with a long up-stroke is no seven", arguments: [(20.0, 70.0), (10, 80), (25, 50), (5, 60)])
    func europeanOnes(x: Double, y: Double) throws {
        let predictor = try predictor()
        for pen in [3.0, 8] {
            var page = DrawnPage()
            page.draw(from: (60 + x, 80 + y), to: (122, 88), pen: pen, ink: .init(repeating: 40))
            page.draw(from: (122, 88), to: (122, 214), pen: pen, ink: .init(repeating: 40))
            let prepared = try DigitPreparation.prepared(page.image())
            #expect(try predictor.predict(pixels: prepared.pixels)[0].label == "1", "pen of \(pen)")
        }
    }

    @Test("a five whose bar, stem and bowl do not touch is a five", arguments: [7.0, 11, 14])
    func brokenFives(barPen: Double) throws {
        let predictor = try predictor()
        for gap in [16.0, 24] {
            var page = DrawnPage()
            let ink = SIMD3(repeating: 40.0)
            page.draw(from: (85, 90), to: (150, 94), pen: barPen, ink: ink)
            let top = 92 + barPen / 2 + gap
            page.draw(from: (85, top), to: (84, top + 6), pen: 5, ink: ink)
            let bowl = [
                (102.0, top + 12), (130, top + 12), (152, top + 40), (152, top + 70), (126, top + 96), (80, top + 90),
            ]
            for (start, end) in zip(bowl, bowl.dropFirst()) { page.draw(from: start, to: end, pen: 5, ink: ink) }
            let prepared = try DigitPreparation.prepared(page.image())
            #expect(try predictor.predict(pixels: prepared.pixels)[0].label == "5", "gap of \(gap)")
        }
    }

    @Test("light, edges, blots, lines and frames without a digit are none", arguments: EmptyPage.allCases, [2.0, 6])
    func noDigit(page: EmptyPage, noise: Double) throws {
        let image = try page.page.image(noise: noise)
        #expect(throws: InferenceError.noDigit) { _ = try DigitPreparation.prepared(image) }
    }

    @Test("several digits are told, side by side and one above the other")
    func severalDigits() throws {
        var beside = DrawnPage()
        beside.write(4, x: 20, scale: 0.8)
        beside.write(2, x: 130, scale: 0.8)
        let first = try beside.image()
        #expect(throws: InferenceError.severalDigits) { _ = try DigitPreparation.prepared(first) }
        var above = DrawnPage()
        above.write(3, y: 15, scale: 0.9)
        above.write(5, y: 175, scale: 0.9)
        let second = try above.image()
        #expect(throws: InferenceError.severalDigits) { _ = try DigitPreparation.prepared(second) }
    }
}
