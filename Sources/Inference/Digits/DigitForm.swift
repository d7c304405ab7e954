// SPDX-License-Identifier: MIT

/// Brings a digit's ink into MNIST's form: strokes of a usual thickness, scaled to fit 20x20, centred by mass in 28x28.
struct DigitForm {
    /// Side of the prepared image in pixels.
    static let side = 28
    /// Side of the square that the ink is scaled to fit.
    static let inkSide = 20
    /// Thinnest stroke, in pixels of the prepared image: MNIST's pens.
    private static let thinnest = 2.4

    /// - Returns: 28 x 28 values, bright ink on black.
    static func pixels(of ink: DigitFinder.Ink) -> [UInt8] {
        let mask = isolated(ink)
        let longest = Double(max(ink.width, ink.height))
        // A stroke's pen grows on both sides; the whole digit grows with it.
        let missing = max(0, thinnest * longest / Double(inkSide) - ink.strokeWidth) / 2
        let pen = missing / (1 - 2 * thinnest / Double(inkSide) / 2)
        let margin = Int(pen.rounded(.up)) + 1
        let (width, height) = (ink.width + 2 * margin, ink.height + 2 * margin)
        var padded = [Bool](repeating: false, count: width * height)
        for y in 0..<ink.height {
            for x in 0..<ink.width { padded[(y + margin) * width + x + margin] = mask[y * ink.width + x] }
        }
        let coverage = thickened(padded, width: width, height: height, by: Float(pen))
        return centred(coverage, width: width, height: height)
    }

    /// Which pixels are stroke: at least half as dark as the darkest ink near them.
    private static func isolated(_ ink: DigitFinder.Ink) -> [Bool] {
        var darkest = BlockGrid(maximaOf: ink.values, width: ink.width, height: ink.height)
        darkest.dilate(by: max(1, Int(ink.strokeWidth / Double(BlockGrid.block) + 0.5)))
        var mask = [Bool](repeating: false, count: ink.values.count)
        for y in 0..<ink.height {
            let row = y / BlockGrid.block * darkest.width
            for x in 0..<ink.width {
                let value = ink.values[y * ink.width + x]
                mask[y * ink.width + x] = value > 0 && 2 * Int(value) >= Int(darkest.values[row + x / BlockGrid.block])
            }
        }
        return mask
    }

    /// How much of each pixel lies within `pen` of the mask, 0 to 1.
    private static func thickened(_ mask: [Bool], width: Int, height: Int, by pen: Float) -> [Float] {
        DistanceMap.distances(to: mask, width: width, height: height).map { max(0, min(1, pen + 1 - $0)) }
    }

    /// Crops, averages each of the 20x20 pixels' areas and moves the centre of mass to the middle.
    private static func centred(_ ink: [Float], width: Int, height: Int) -> [UInt8] {
        var (left, top, right, bottom) = (width, height, -1, -1)
        for y in 0..<height {
            for x in 0..<width where ink[y * width + x] >= 0.5 {
                (left, right) = (min(left, x), max(right, x))
                (top, bottom) = (min(top, y), max(bottom, y))
            }
        }
        guard right >= left else { return [UInt8](repeating: 0, count: side * side) }
        let (boxWidth, boxHeight) = (right - left + 1, bottom - top + 1)
        let scale = Double(inkSide) / Double(max(boxWidth, boxHeight))
        var (mass, sumX, sumY) = (0.0, 0.0, 0.0)
        for y in top...bottom {
            for x in left...right {
                let value = Double(ink[y * width + x])
                mass += value
                sumX += value * (Double(x - left) + 0.5)
                sumY += value * (Double(y - top) + 0.5)
            }
        }
        // Where the box begins in the prepared image: whole pixels, as MNIST's were placed, and inside.
        func start(_ sum: Double, _ size: Int) -> Int {
            let length = max(1, Int((Double(size) * scale).rounded()))
            return min(max(Int((Double(side) / 2 - sum / mass * scale).rounded()), 0), side - length)
        }
        let (x0, y0) = (start(sumX, boxWidth), start(sumY, boxHeight))
        let columns = (0..<boxWidth).map { shares(of: $0, scale: scale) }
        let rows = (0..<boxHeight).map { shares(of: $0, scale: scale) }
        var sums = [Double](repeating: 0, count: side * side)
        for y in 0..<boxHeight {
            for (row, rowShare) in rows[y] where y0 + row < side {
                for x in 0..<boxWidth {
                    let value = Double(ink[(top + y) * width + left + x]) * rowShare
                    if value == 0 { continue }
                    for (column, share) in columns[x] where x0 + column < side {
                        sums[(y0 + row) * side + x0 + column] += value * share
                    }
                }
            }
        }
        let peak = max(sums.max() ?? 1, 1e-6)
        return sums.map { UInt8(max(0, min(255, ($0 / peak * 255).rounded()))) }
    }

    /// Over which of the scaled pixels a source pixel is spread, and with which shares.
    private static func shares(of pixel: Int, scale: Double) -> [(Int, Double)] {
        let (from, to) = (Double(pixel) * scale, Double(pixel + 1) * scale)
        var parts: [(Int, Double)] = []
        var at = Int(from)
        while Double(at) < to - 1e-9 {
            parts.append((at, min(to, Double(at + 1)) - max(from, Double(at))))
            at += 1
        }
        return parts
    }
}
