// SPDX-License-Identifier: MIT

/// Removes the lines of ruled and squared paper, and of forms: straight, thin, from border to border.
struct PaperLines {
    /// Share of the picture's side along which a line is seen; where digits and other lines cross it, it is not.
    private static let coverage = 0.45
    /// Steepest line that is looked for, as rise over run, and the step between.
    private static let slopes = stride(from: -0.35, through: 0.35, by: 0.0125)
    /// Thickest line, as a share of the picture's side.
    private static let thickest = 0.025
    /// Every `step`-th column, or row, is looked at to find lines.
    private static let step = 2

    /// Sets to 0 the ink of lines, but not where a stroke crosses them.
    ///
    /// - Parameters:
    ///   - low: Least depth that counts as ink. Lines are followed at half of it.
    /// - Returns: Whether there was any.
    static func remove(from ink: inout [UInt8], width: Int, height: Int, low: UInt8) -> Bool {
        let rows = Axis(along: width, across: height, alongStride: 1, acrossStride: width, faintest: max(4, low / 2))
        let columns = Axis(along: height, across: width, alongStride: width, acrossStride: 1, faintest: max(4, low / 2))
        let found = (rows.lines(in: ink), columns.lines(in: ink))
        let original = ink
        for line in found.0 { rows.clear(line, of: &ink, as: original) }
        for line in found.1 { columns.clear(line, of: &ink, as: original) }
        return !found.0.isEmpty || !found.1.isEmpty
    }

    /// A thin stretch of ink across the direction of a line.
    private struct Run {
        var at: Int
        var first: Int
        var last: Int
        var peak: UInt8

        var centre: Int { (first + last) / 2 }
        var count: Int { last - first + 1 }
    }

    private struct Line {
        /// Where it crosses the middle of the picture, and how far it lies from there at each place along.
        var place: Int
        var shifts: [Int]
        /// Of what is cleared: more is a stroke's.
        var thickness: Int
        var peak: Int
    }

    /// One of the two directions in which lines run.
    private struct Axis {
        let along: Int
        let across: Int
        let alongStride: Int
        let acrossStride: Int
        let faintest: UInt8

        private var thickest: Int { max(2, Int(PaperLines.thickest * Double(max(along, across)) + 0.5)) }

        func lines(in ink: [UInt8]) -> [Line] {
            let runs = stride(from: 0, to: along, by: PaperLines.step).flatMap { thinRuns(of: ink, at: $0) }
            let needed = Int(PaperLines.coverage * Double(along) / Double(PaperLines.step))
            guard needed > 0, runs.count >= needed else { return [] }
            let margin = Int(0.35 * Double(along) / 2) + 2
            let edge = 2 + along / 100
            var lines: [Line] = []
            for slope in PaperLines.slopes {
                let shifts = (0..<along).map { Int((Double($0 - along / 2) * slope).rounded()) }
                var counts = [Int](repeating: 0, count: across + 2 * margin)
                var ends = [UInt8](repeating: 0, count: counts.count)
                for run in runs {
                    let index = run.centre - shifts[run.at] + margin
                    counts[index] += 1
                    if run.at <= edge { ends[index] |= 1 }
                    if run.at >= along - 1 - edge { ends[index] |= 2 }
                }
                for index in 1..<(counts.count - 1) {
                    let count = counts[(index - 1)...(index + 1)].reduce(0, +)
                    guard count >= needed, counts[index] >= counts[index - 1], counts[index] >= counts[index + 1],
                        ends[(index - 1)...(index + 1)].reduce(0, |) == 3
                    else { continue }
                    lines.append(line(at: index - margin, shifts, of: runs))
                }
            }
            return lines
        }

        /// The stretches at one place along that are darker than what lies on both sides.
        private func thinRuns(of ink: [UInt8], at: Int) -> [Run] {
            let reach = thickest / 2 + 1
            func value(_ place: Int) -> UInt8 {
                place >= 0 && place < across ? ink[at * alongStride + place * acrossStride] : 0
            }
            var runs: [Run] = []
            var run: Run?
            for place in 0...across {
                let here = value(place)
                let isThin = here >= faintest && max(value(place - reach), value(place + reach)) <= here / 2
                if isThin {
                    run = Run(at: at, first: run?.first ?? place, last: place, peak: max(run?.peak ?? 0, here))
                } else if let ended = run {
                    if ended.count <= thickest { runs.append(ended) }
                    run = nil
                }
            }
            return runs
        }

        private func line(at place: Int, _ shifts: [Int], of runs: [Run]) -> Line {
            let own = runs.filter { abs($0.centre - shifts[$0.at] - place) <= 1 }
            func middle(_ values: [Int]) -> Int { values.sorted()[values.count / 2] }
            return Line(
                place: place, shifts: shifts, thickness: middle(own.map(\.count)) * 3 / 2 + 1,
                peak: middle(own.map { Int($0.peak) }) * 3 / 2)
        }

        func clear(_ line: Line, of ink: inout [UInt8], as original: [UInt8]) {
            for at in 0..<along {
                func value(_ place: Int) -> UInt8 {
                    place >= 0 && place < across ? original[at * alongStride + place * acrossStride] : 0
                }
                let middle = line.place + line.shifts[at]
                guard
                    let start = [middle, middle - 1, middle + 1, middle - 2, middle + 2].first(where: {
                        value($0) >= faintest
                    })
                else { continue }
                var (first, last) = (start, start)
                while value(first - 1) >= faintest, last - first <= line.thickness { first -= 1 }
                while value(last + 1) >= faintest, last - first <= line.thickness { last += 1 }
                let peak = (first...last).reduce(0) { max($0, Int(value($1))) }
                guard last - first < line.thickness, peak <= line.peak else { continue }
                // The line's faint fringe goes too.
                for place in max(0, first - 1)...min(across - 1, last + 1) {
                    ink[at * alongStride + place * acrossStride] = 0
                }
            }
        }
    }
}
