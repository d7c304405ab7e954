// SPDX-License-Identifier: MIT

import Images

/// Brings a picture of a digit into the form of MNIST's: 28x28 grey values, bright ink on black, the ink scaled to fit
/// 20x20 and centred by its mass.
///
/// - Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits", on how it was made.
public struct DigitPreparation: Sendable {
    /// Side of the prepared image in pixels.
    static let side = 28
    /// Side of the square that the ink is scaled to fit.
    static let inkSide = 20
    /// Longest side that is looked at; larger pictures are reduced to it first, which also averages noise away.
    static let workingSide = 480
    /// Smallest difference between ink and paper, of 255, that counts as a digit.
    static let minContrast = 24

    /// Prepares a picture.
    ///
    /// A 28x28 grey image with a dark border passes unchanged: it is in MNIST's form already.
    ///
    /// - Returns: 28 x 28 grey values.
    /// - Throws: `InferenceError.blankImage` if ink can't be told from paper.
    public static func prepared(_ image: Image) throws -> Image {
        if isMNISTForm(image) { return image }
        var gray = grayscale(image)
        let longest = max(gray.width, gray.height)
        if longest > workingSide {
            func scaled(_ size: Int) -> Int { max(1, (size * workingSide + longest / 2) / longest) }
            gray = gray.resized(width: scaled(gray.width), height: scaled(gray.height))
        }
        guard let levels = InkLevels(gray) else { throw InferenceError.blankImage }
        var ink = levels.ink(of: gray)
        guard let box = ink.keepingDigit() else { throw InferenceError.blankImage }
        return try centred(ink.image().cropped(x: box.x, y: box.y, width: box.width, height: box.height))
    }

    private static func isMNISTForm(_ image: Image) -> Bool {
        guard image.width == side, image.height == side, image.format == .gray8 else { return false }
        let border = borderValues(image)
        let dark = border.count { $0 < 64 }
        return dark * 10 >= border.count * 9 && image.pixels.contains { $0 >= 128 }
    }

    /// Grey values; what is transparent becomes paper, white under dark ink and black under bright.
    private static func grayscale(_ image: Image) -> Image {
        guard image.format.hasAlpha else { return image.converted(to: .gray8) }
        let pixels = image.converted(to: .rgba8).pixels
        var (sum, weight) = (0, 0)
        for index in stride(from: 0, to: pixels.count, by: 4) {
            let alpha = Int(pixels[index + 3])
            sum += (Int(pixels[index]) + Int(pixels[index + 1]) + Int(pixels[index + 2])) * alpha
            weight += 3 * alpha
        }
        let isBright = weight > 0 && sum / weight >= 128
        return image.composited(overGray: isBright ? 0 : 255).converted(to: .gray8)
    }

    /// The values of the outermost ring, two pixels wide on larger images.
    static func borderValues(_ image: Image) -> [UInt8] {
        let ring = max(1, min(image.width, image.height) / 50)
        var values: [UInt8] = []
        for y in 0..<image.height {
            let isEdgeRow = y < ring || y >= image.height - ring
            for x in 0..<image.width where isEdgeRow || x < ring || x >= image.width - ring {
                values.append(image.pixels[y * image.width + x])
            }
        }
        return values
    }

    /// Scales the cropped ink to fit 20x20 and moves its centre of mass to the middle of 28x28.
    private static func centred(_ ink: Image) throws -> Image {
        let longest = max(ink.width, ink.height)
        func scaled(_ size: Int) -> Int { max(1, (size * inkSide + longest / 2) / longest) }
        let digit = ink.resized(width: scaled(ink.width), height: scaled(ink.height))
        let peak = max(1, digit.pixels.max().map(Int.init) ?? 1)
        var (mass, sumX, sumY) = (0, 0, 0)
        for y in 0..<digit.height {
            for x in 0..<digit.width {
                let value = Int(digit.pixels[y * digit.width + x])
                mass += value
                sumX += value * (2 * x + 1)
                sumY += value * (2 * y + 1)
            }
        }
        guard mass > 0 else { throw InferenceError.blankImage }
        // Twice the centre of mass, against twice the middle: 28.
        func offset(_ sum: Int, size: Int) -> Int {
            let shift = (Double(side) - Double(sum) / Double(mass)) / 2
            return min(max(Int(shift.rounded()), 0), side - size)
        }
        let (left, top) = (offset(sumX, size: digit.width), offset(sumY, size: digit.height))
        var pixels = [UInt8](repeating: 0, count: side * side)
        for y in 0..<digit.height {
            for x in 0..<digit.width {
                // Thin strokes lose brightness when they are scaled down: the brightest becomes white again.
                let value = Int(digit.pixels[y * digit.width + x]) * 255 / peak
                pixels[(top + y) * side + left + x] = UInt8(clamping: value)
            }
        }
        return try Image(width: side, height: side, format: .gray8, pixels: pixels)
    }
}
