// SPDX-License-Identifier: MIT

import Images
import Inference
import TestSupport
import Testing

@Suite("DigitPreparation")
struct DigitPreparationTests {
    /// A bar of ink on a sheet.
    private func sheet(
        width: Int = 300, height: Int = 200, paper: UInt8, ink: UInt8, bar: (x: Int, y: Int, width: Int, height: Int)
    ) throws -> Image {
        var pixels = [UInt8](repeating: paper, count: width * height)
        for y in bar.y..<(bar.y + bar.height) {
            for x in bar.x..<(bar.x + bar.width) { pixels[y * width + x] = ink }
        }
        return try Image(width: width, height: height, format: .gray8, pixels: pixels)
    }

    @Test("ink is what the border is not, bright or dark")
    func polarity() throws {
        let bar = (x: 40, y: 30, width: 20, height: 100)
        let dark = try DigitPreparation.prepared(sheet(paper: 230, ink: 40, bar: bar))
        let bright = try DigitPreparation.prepared(sheet(paper: 30, ink: 220, bar: bar))
        #expect(dark == bright)
        #expect(dark.pixels[14 * 28 + 14] == 255)
        #expect(dark.pixels[0] == 0)
    }

    @Test("ink is scaled to 20 pixels, keeps its shape, and is centred by its mass, wherever it was")
    func placement() throws {
        for (x, y) in [(5, 5), (200, 60), (120, 90)] {
            let prepared = try DigitPreparation.prepared(
                sheet(paper: 255, ink: 0, bar: (x: x, y: y, width: 25, height: 100)))
            let rows = (0..<28).filter { y in (0..<28).contains { prepared.pixels[y * 28 + $0] > 127 } }
            let columns = (0..<28).filter { x in (0..<28).contains { prepared.pixels[$0 * 28 + x] > 127 } }
            #expect(rows == Array(4..<24))
            #expect(columns.count == 5)
            #expect((11...12).contains(columns[0]))
        }
    }

    @Test("a speck beside the ink is not part of it")
    func specks() throws {
        let plain = try sheet(paper: 240, ink: 20, bar: (x: 100, y: 40, width: 20, height: 100))
        var pixels = plain.pixels
        for (x, y) in [(10, 10), (280, 190), (285, 20)] { pixels[y * 300 + x] = 0 }
        let speckled = try Image(width: 300, height: 200, format: .gray8, pixels: pixels)
        #expect(try DigitPreparation.prepared(speckled) == DigitPreparation.prepared(plain))
    }

    @Test("transparent paper is paper, under dark ink and under bright", arguments: [UInt8(0), 255])
    func transparency(ink: UInt8) throws {
        let plain = try sheet(paper: 0, ink: 255, bar: (x: 100, y: 40, width: 20, height: 100))
        let pixels = plain.pixels.flatMap { coverage in [ink, ink, ink, coverage] }
        let drawn = try Image(width: 300, height: 200, format: .rgba8, pixels: pixels)
        #expect(try DigitPreparation.prepared(drawn) == DigitPreparation.prepared(plain))
    }

    @Test("nothing to see is an error", arguments: [UInt8(0), 100, 255])
    func blank(paper: UInt8) throws {
        let page = try Image(width: 50, height: 60, format: .gray8, pixels: .init(repeating: paper, count: 3000))
        #expect(throws: InferenceError.noDigit) { _ = try DigitPreparation.prepared(page) }
    }

    @Test("noise alone is no ink")
    func noise() throws {
        var generator = SeededGenerator(seed: 1)
        let pixels = (0..<40000).map { _ in UInt8.random(in: 200...240, using: &generator) }
        let page = try Image(width: 200, height: 200, format: .gray8, pixels: pixels)
        #expect(throws: InferenceError.noDigit) { _ = try DigitPreparation.prepared(page) }
    }

    @Test("any size is taken, down to one pixel", arguments: [(1, 1), (1, 9), (2, 3), (28, 28), (29, 1000), (3000, 2)])
    func sizes(width: Int, height: Int) throws {
        var generator = SeededGenerator(seed: 2)
        let pixels = (0..<(width * height)).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let image = try Image(width: width, height: height, format: .gray8, pixels: pixels)
        // Noise may pass for ink or not; either way the answer is an image or an error.
        if let prepared = try? DigitPreparation.prepared(image) { #expect(prepared.pixels.count == 784) }
    }
}
