// SPDX-License-Identifier: MIT

import Foundation
import Images
import TestSupport

/// A page with digits written on it by a round pen: grey values that a test shades, rules and spoils.
struct DrawnPage {
    static let width = 240
    static let height = 320

    /// Pen strokes in a box of 100 x 140.
    static let strokes: [Int: [[(x: Double, y: Double)]]] = [
        2: [[(15, 40), (25, 18), (50, 8), (75, 18), (82, 42), (70, 70), (40, 100), (12, 130), (90, 130)]],
        3: [[(15, 20), (45, 8), (78, 20), (80, 45), (45, 65), (82, 82), (86, 112), (55, 132), (12, 122)]],
        4: [[(60, 8), (10, 90), (92, 90)], [(66, 50), (66, 134)]],
        5: [[(82, 10), (25, 10), (20, 62), (55, 55), (84, 78), (84, 108), (55, 130), (14, 124)]],
        7: [[(12, 12), (86, 12), (40, 132)]],
    ]

    /// Red, green, blue of each pixel.
    var pixels: [SIMD3<Double>]

    /// Empty paper.
    init(paper: SIMD3<Double> = .init(repeating: 200)) {
        pixels = .init(repeating: paper, count: Self.width * Self.height)
    }

    /// Writes a digit: its box begins at `x`, `y` and is `scale` times 100 x 140.
    mutating func write(
        _ digit: Int, ink: SIMD3<Double> = .init(repeating: 60), pen: Double = 7, x: Double = 60, y: Double = 70,
        scale: Double = 1.2
    ) {
        for line in Self.strokes[digit] ?? [] {
            for (start, end) in zip(line, line.dropFirst()) {
                draw(
                    from: (x + start.x * scale, y + start.y * scale), to: (x + end.x * scale, y + end.y * scale),
                    pen: pen,
                    ink: ink)
            }
        }
    }

    /// Draws a line with a round pen.
    mutating func draw(
        from start: (x: Double, y: Double), to end: (x: Double, y: Double), pen: Double, ink: SIMD3<Double>
    ) {
        let (dx, dy) = (end.x - start.x, end.y - start.y)
        let length = max(1e-9, dx * dx + dy * dy)
        func reached(_ first: Double, _ second: Double, below limit: Int) -> Range<Int> {
            let from = Int(min(first, second) - pen / 2 - 1), to = Int(max(first, second) + pen / 2 + 2)
            return min(max(0, from), limit)..<min(max(0, to), limit)
        }
        for row in reached(start.y, end.y, below: Self.height) {
            for column in reached(start.x, end.x, below: Self.width) {
                let (x, y) = (Double(column) + 0.5 - start.x, Double(row) + 0.5 - start.y)
                let along = max(0, min(1, (x * dx + y * dy) / length))
                let (offsetX, offsetY) = (x - along * dx, y - along * dy)
                let share = max(0, min(1, pen / 2 + 0.5 - (offsetX * offsetX + offsetY * offsetY).squareRoot()))
                let index = row * Self.width + column
                if share > 0 { pixels[index] += (ink - pixels[index]) * share }
            }
        }
    }

    /// Draws lines from each point to the next, and back to the first.
    mutating func outline(_ points: [(x: Double, y: Double)], pen: Double, ink: SIMD3<Double>) {
        for (start, end) in zip(points, points.dropFirst() + points.prefix(1)) {
            draw(from: start, to: end, pen: pen, ink: ink)
        }
    }

    /// Draws lines from the left border to the right one, each `spacing` below the one before and falling by `fall`.
    mutating func rule(every spacing: Double, falling fall: Double, pen: Double, ink: SIMD3<Double>) {
        for y in stride(from: 14 - 2 * spacing, to: Double(Self.height) + 2 * spacing, by: spacing) {
            draw(from: (0, y), to: (Double(Self.width), y + fall), pen: pen, ink: ink)
        }
    }

    /// Draws lines from the top border to the bottom one.
    mutating func ruleDown(every spacing: Double, leaning lean: Double, pen: Double, ink: SIMD3<Double>) {
        for x in stride(from: 12 - spacing, to: Double(Self.width) + spacing, by: spacing) {
            draw(from: (x + lean, 0), to: (x, Double(Self.height)), pen: pen, ink: ink)
        }
    }

    mutating func drawEllipse(
        x: Double, y: Double, width: Double, height: Double, pen: Double, ink: SIMD3<Double>
    ) {
        let angles = (0..<40).map { Double($0) * .pi / 20 }
        outline(angles.map { (x + width / 2 * cos($0), y + height / 2 * sin($0)) }, pen: pen, ink: ink)
    }

    mutating func drawSpecks(ink: SIMD3<Double>) {
        for (x, y) in [(20.0, 30.0), (210, 40), (30, 290), (200, 280), (220, 150), (110, 20)] {
            draw(from: (x, y), to: (x + 2, y), pen: 5, ink: ink)
        }
    }

    /// Replaces each pixel by what is made of its place and value.
    mutating func change(_ value: (_ x: Double, _ y: Double, _ old: SIMD3<Double>) -> SIMD3<Double>) {
        for index in pixels.indices {
            let (x, y) = (Double(index % Self.width) + 0.5, Double(index / Self.width) + 0.5)
            pixels[index] = value(x, y, pixels[index])
        }
    }

    /// The page as a camera with a little noise takes it.
    func image(noise: Double = 2) throws -> Image {
        var generator = SeededGenerator(seed: 7)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(pixels.count * 3)
        for pixel in pixels {
            let grain = Double.random(in: -noise...noise, using: &generator)
            for channel in 0..<3 { bytes.append(UInt8(max(0, min(255, (pixel[channel] + grain).rounded())))) }
        }
        return try Image(width: Self.width, height: Self.height, format: .rgb8, pixels: bytes)
    }
}
