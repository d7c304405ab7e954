// SPDX-License-Identifier: MIT

import Kernels

/// An NCHW image enlarged or made smaller, plane by plane: first the columns of the input's rows, then whole rows.
struct NCHWResizeStep: Step {
    let output: Slot
    let input: Slot
    let channels: Int
    let inputHeight: Int
    let inputWidth: Int
    let vertical: ResizeStep.Axis
    let horizontal: ResizeStep.Axis

    private var width: Int { horizontal.count }

    var scratchByteCount: Int { inputHeight * width * 4 }

    func run(_ run: StepRun) {
        let (source, target) = (run.read(input), run.write(output))
        let share = run.share(of: channels * vertical.count)
        var next = share.lowerBound
        while next < share.upperBound {
            let (channel, first) = next.quotientAndRemainder(dividingBy: vertical.count)
            let rows = first..<min(vertical.count, first + share.upperBound - next)
            let plane = source + channel * inputHeight * inputWidth
            for row in vertical.places(of: rows) { mixColumns(run.scratch + row * width, plane + row * inputWidth) }
            for row in rows { mixRows(target + (channel * vertical.count + row) * width, Input(run.scratch), row) }
            next += rows.count
        }
    }

    private func mixColumns(_ line: Output, _ row: Input) {
        for place in 0..<width {
            var sum: Float = 0
            for tap in horizontal.taps(place) { sum += horizontal.weights[tap] * row[horizontal.indices[tap]] }
            line[place] = sum
        }
    }

    /// The compiler turns the loops over a row into vectors.
    private func mixRows(_ output: Output, _ lines: Input, _ row: Int) {
        let taps = vertical.taps(row)
        guard let first = taps.first else { return }
        let (line, weight) = (lines + vertical.indices[first] * width, vertical.weights[first])
        if taps.count == 2 {
            let (other, otherWeight) = (lines + vertical.indices[first + 1] * width, vertical.weights[first + 1])
            for place in 0..<width { output[place] = weight * line[place] + otherWeight * other[place] }
            return
        }
        for place in 0..<width { output[place] = weight * line[place] }
        for tap in taps.dropFirst() {
            let (line, weight) = (lines + vertical.indices[tap] * width, vertical.weights[tap])
            for place in 0..<width { output[place] += weight * line[place] }
        }
    }
}
