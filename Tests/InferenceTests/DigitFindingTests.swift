// SPDX-License-Identifier: MIT

import Images
import Inference
import TestSupport
import Testing

/// Digits as phones see them: each condition spoils a page that holds one digit, or draws it with another pen.
@Suite("A digit is found")
struct DigitFindingTests {
    enum Condition: String, CaseIterable, Sendable {
        case lightFromOneSide, vignette, shadowEdge, shadowInCorner
        case pageEdge, tableAround
        case palePencil, colouredInk, thinPen, thickPen, brightInk, specks, cutOffNeighbour

        private func gray(_ value: Double) -> SIMD3<Double> { .init(repeating: value) }

        func page(_ digit: Int) -> DrawnPage {
            var page = DrawnPage()
            let (width, height) = (Double(DrawnPage.width), Double(DrawnPage.height))
            switch self {
            case .lightFromOneSide:
                page.write(digit, ink: gray(110))
                page.change { x, _, old in old * (0.45 + 0.55 * x / width) }
            case .vignette:
                page.write(digit, ink: gray(90))
                page.change { x, y, old in
                    let (dx, dy) = (2 * x / width - 1, 2 * y / height - 1)
                    return old * (1 - 0.55 * (dx * dx + dy * dy) / 2)
                }
            case .shadowEdge:
                page.write(digit, ink: gray(60))
                page.change { x, y, old in x + y / 3 > 170 ? old * 0.55 : old }
            case .shadowInCorner:
                page.write(digit, ink: gray(60))
                page.change { x, y, old in
                    let distance = (x * x + (y - height) * (y - height)).squareRoot()
                    return old * max(0.25, min(1, (distance - 40) / 50))
                }
            case .pageEdge:
                page.write(digit)
                page.change { x, y, old in y < 20 || x > width - 12 ? gray(50) : old }
            case .tableAround:
                page.write(digit)
                page.change { x, y, old in
                    min(x, width - x) < 22 || min(y, height - y) < 25 ? [70, 45, 30] : old
                }
            case .palePencil:
                page = DrawnPage(paper: gray(172))
                page.write(digit, ink: gray(150), pen: 5)
            case .colouredInk: page.write(digit, ink: [240, 120, 120])
            case .thinPen: page.write(digit, pen: 1.5)
            case .thickPen: page.write(digit, pen: 20)
            case .brightInk:
                page = DrawnPage(paper: [30, 60, 40])
                page.write(digit, ink: gray(230))
            case .specks:
                page.write(digit)
                for (x, y) in [(20.0, 30.0), (210, 40), (30, 290), (200, 280), (220, 150), (110, 20)] {
                    page.draw(from: (x, y), to: (x + 2, y), pen: 5, ink: gray(40))
                }
            case .cutOffNeighbour:
                page.write(digit, x: 40)
                page.write(digit, x: 205)
            }
            return page
        }
    }

    private func predictor() throws -> Predictor {
        try Predictor(LoadedModel("mnist", in: ModelRepository(path: packageFolder + "/Weights")))
    }

    @Test("whatever the light, the paper and the pen", arguments: Condition.allCases)
    func conditions(_ condition: Condition) throws {
        let predictor = try predictor()
        for digit in DrawnPage.strokes.keys.sorted() {
            let picture = try condition.page(digit).image()
            let prepared = try DigitPreparation.prepared(picture)
            let answer = try predictor.predict(pixels: prepared.pixels)[0]
            #expect(answer.label == String(digit), "\(condition.rawValue) \(digit): \(answer.label)")
        }
    }

    @Test("a one with a long up-stroke is no seven", arguments: [(20.0, 70.0), (10, 80), (25, 50)])
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

    @Test("a page of nothing but noise holds no digit", arguments: [0.0, 2, 5])
    func noDigit(noise: Double) throws {
        let image = try DrawnPage().image(noise: noise)
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
