// SPDX-License-Identifier: MIT

/// Removes the lines of ruled and squared paper: straight, thin and as long as the picture.
struct PaperLines {
    /// Share of the picture's side that a line's ink covers.
    private static let coverage = 0.75
    /// Steepest line that is looked for, as rise over run, and the step between.
    private static let slopes = stride(from: -0.2, through: 0.2, by: 0.0125)
    /// Thickest line, as a share of the picture's side.
    private static let thickest = 0.025

    /// Sets to 0 the ink of lines, but not where a stroke crosses them.
    ///
    /// - Returns: Whether there was any.
    static func remove(from ink: inout [UInt8], width: Int, height: Int, low: UInt8) -> Bool {
        let rows = Axis(along: width, across: height, alongStride: 1, acrossStride: width)
        let columns = Axis(along: height, across: width, alongStride: width, acrossStride: 1)
        let original = ink
        let hasRows = rows.remove(from: &ink, as: original, low: low)
        let hasColumns = columns.remove(from: &ink, as: original, low: low)
        return hasRows || hasColumns
    }

    /// One of the two directions in which lines run.
    private struct Axis {
        let along: Int
        let across: Int
        let alongStride: Int
        let acrossStride: Int

        func remove(from ink: inout [UInt8], as original: [UInt8], low: UInt8) -> Bool {
            let thickest = max(2, Int(PaperLines.thickest * Double(max(along, across)) + 0.5))
            // Only thin runs of ink can be a line's.
            var points: [(at: Int, across: Int)] = []
            for at in stride(from: 0, to: along, by: 2) {
                var start = 0
                for place in 0...across {
                    if place < across, original[at * alongStride + place * acrossStride] >= low { continue }
                    if place > start, place - start <= thickest { points += (start..<place).map { (at, $0) } }
                    start = place + 1
                }
            }
            let margin = along / 5 + 1
            let edge = 1 + along / 100
            let needed = Int(PaperLines.coverage * Double(along) / 2)
            guard points.count >= needed else { return false }
            var found = false
            var counts = [Int](repeating: 0, count: across + 2 * margin)
            for slope in PaperLines.slopes {
                let shifts = (0..<along).map { Int((Double($0 - along / 2) * slope).rounded()) }
                for index in counts.indices { counts[index] = 0 }
                var ends = [UInt8](repeating: 0, count: counts.count)
                for point in points {
                    let index = point.across - shifts[point.at] + margin
                    counts[index] += 1
                    if point.at <= edge { ends[index] |= 1 }
                    if point.at >= along - 1 - edge { ends[index] |= 2 }
                }
                for (index, count) in counts.enumerated() where count >= needed && ends[index] == 3 {
                    found = true
                    clear(index - margin, shifts, thickest, of: &ink, as: original, low: low)
                }
            }
            return found
        }

        private func clear(
            _ place: Int, _ shifts: [Int], _ thickest: Int, of ink: inout [UInt8], as original: [UInt8], low: UInt8
        ) {
            for at in 0..<along {
                let middle = place + shifts[at]
                guard middle >= 0, middle < across else { continue }
                func isInk(_ place: Int) -> Bool {
                    place >= 0 && place < across && original[at * alongStride + place * acrossStride] >= low
                }
                guard isInk(middle) else { continue }
                var (first, last) = (middle, middle)
                while isInk(first - 1), last - first <= thickest { first -= 1 }
                while isInk(last + 1), last - first <= thickest { last += 1 }
                guard last - first < thickest else { continue }
                // The line's faint fringe goes too.
                for place in max(0, first - 1)...min(across - 1, last + 1) {
                    ink[at * alongStride + place * acrossStride] = 0
                }
            }
        }
    }
}
