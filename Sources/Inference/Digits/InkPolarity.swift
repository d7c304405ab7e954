// SPDX-License-Identifier: MIT

/// Whether the ink is darker than the paper around it, or brighter.
enum InkPolarity {
    /// Side of the blocks that are looked at.
    private static let block = BlockGrid.block
    /// A channel follows the others unless it says this share of what the one says that says most.
    private static let certainty: Float = 0.03

    /// For each channel whether ink is dark in it. Ink of another colour than its paper may be darker in one channel and
    /// brighter in another, red on green for example.
    static func areInksDark(_ channels: [[UInt8]], width: Int, height: Int) -> [Bool] {
        let skews = channels.map { skew($0, width: width, height: height) }
        let most = skews.map(abs).max() ?? 0
        let isDark = skews.reduce(0, +) <= 0
        return skews.map { abs($0) < most * certainty ? isDark : $0 <= 0 }
    }

    /// Strokes cover less of any neighbourhood than paper does: where they are dark, few values lie far below the
    /// neighbourhood's mean and many a little above it, so the third power of the differences sums up below zero.
    private static func skew(_ values: [UInt8], width: Int, height: Int) -> Float {
        let columns = (width + block - 1) / block
        let rows = (height + block - 1) / block
        var means = [Float](repeating: 0, count: columns * rows)
        BlockGrid.joinLines(of: values, width: width, height: height, from: UInt16(0), { $0 &+ UInt16($1) }) {
            row, lines, sums in
            for column in 0..<columns {
                let part = (column * block)..<min((column + 1) * block, width)
                var sum = 0
                for x in part { sum += Int(sums[x]) }
                means[row * columns + column] = Float(sum) / Float(part.count * lines)
            }
        }
        let radius = max(2, max(columns, rows) / 5)
        // Sums of all above and left of each corner.
        var totals = [Float](repeating: 0, count: (columns + 1) * (rows + 1))
        for y in 0..<rows {
            var line: Float = 0
            for x in 0..<columns {
                line += means[y * columns + x]
                totals[(y + 1) * (columns + 1) + x + 1] = totals[y * (columns + 1) + x + 1] + line
            }
        }
        var skew: Float = 0
        for y in 0..<rows {
            let (top, bottom) = (max(0, y - radius), min(rows, y + radius + 1))
            for x in 0..<columns {
                let (left, right) = (max(0, x - radius), min(columns, x + radius + 1))
                let sum =
                    totals[bottom * (columns + 1) + right] - totals[top * (columns + 1) + right]
                    - totals[bottom * (columns + 1) + left] + totals[top * (columns + 1) + left]
                let difference = means[y * columns + x] - sum / Float((bottom - top) * (right - left))
                skew += difference * difference * difference
            }
        }
        return skew
    }
}
