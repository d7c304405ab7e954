// SPDX-License-Identifier: MIT

import Kernels

extension WindowGeometry {
    /// Columns of the input that the windows of one line span.
    var spannedColumns: Int { (outputWidth - 1) * strideWidth + (kernelWidth - 1) * dilationWidth + 1 }

    /// Rows of the input that the windows of some lines span.
    func spannedRows(lines: Int) -> Int { (lines - 1) * strideHeight + (kernelHeight - 1) * dilationHeight + 1 }

    /// Lines to do at a time if the rows that their windows span are copied first: as many as keep the copy in `room` Floats.
    /// Rows that one strip shares with the next are copied twice: if they are many, strips are longer, as far as L2 goes.
    func stripLines(rowFloats: Int, room: Int) -> Int {
        let shared = max(0, spannedRows(lines: 1) - strideHeight)
        let fitting = { (room: Int) in (room / max(1, rowFloats) - shared) / strideHeight }
        let lines = max(fitting(room), min(fitting(131072), 2 * shared / strideHeight))
        return min(outputHeight, max(1, lines))
    }

    /// How the values of a group stand in one row of a window: so many runs of consecutive values. Taps that lie side by side
    /// are one run, in the image itself and in a copy of the group's channels.
    func windowRuns(groups: Int) -> (count: Int, length: Int) {
        let inputs = channels / groups
        let isDense = dilationWidth == 1 && (groups == 1 || !isUnpadded)
        return isDense ? (1, kernelWidth * inputs) : (kernelWidth, inputs)
    }

    /// Whether no window reaches beyond the image.
    var isUnpadded: Bool {
        padTop == 0 && padLeft == 0 && spannedRows(lines: outputHeight) <= inputHeight && spannedColumns <= inputWidth
    }
}
