// SPDX-License-Identifier: MIT

import Kernels

extension WindowGeometry {
    /// Columns of the input that the windows of one line span.
    var spannedColumns: Int { (outputWidth - 1) * strideWidth + (kernelWidth - 1) * dilationWidth + 1 }

    /// Rows of the input that the windows of some lines span.
    func spannedRows(lines: Int) -> Int { (lines - 1) * strideHeight + (kernelHeight - 1) * dilationHeight + 1 }

    /// Lines to do at a time if the rows that their windows span are copied first: as many as keep the copy in `room` Floats.
    /// Rows that one strip shares with the next are copied twice: if they are many, strips are longer, as far as L2 goes.
    ///
    /// - Parameter rowStep: Every `rowStep`-th row is copied.
    func stripLines(rowFloats: Int, room: Int, rowStep: Int = 1) -> Int {
        let stride = strideHeight / rowStep
        let shared = max(0, (spannedRows(lines: 1) - 1) / rowStep + 1 - stride)
        let fitting = { (room: Int) in (room / max(1, rowFloats) - shared) / stride }
        let lines = max(fitting(room), min(fitting(CacheSizes.l2Floats / 2), 2 * shared / stride))
        return min(outputHeight, max(1, lines))
    }

    /// How the values of a group stand in one row of a window: so many runs of consecutive values. Taps that lie side by side
    /// are one run, in the image itself and in a copy of the group's channels.
    func windowRuns(groups: Int) -> (count: Int, length: Int) {
        let inputs = channels / groups
        let isDense = dilationWidth == 1 && (groups == 1 || !isUnpadded)
        return isDense ? (1, kernelWidth * inputs) : (kernelWidth, inputs)
    }

    /// How the windows of lines from one on lie in the image.
    func rowsOfLines(from line: Int) -> RowsOfLines {
        RowsOfLines(
            count: inputHeight, first: line * strideHeight - padTop, lineStep: strideHeight, windowStep: dilationHeight)
    }

    /// Rows of all lines' windows that lie in the image.
    var windowRowsInside: Int {
        let rows = rowsOfLines(from: 0)
        return (0..<outputHeight).reduce(0) { $0 + rows.inside(line: $1, of: kernelHeight).count }
    }

    /// Whether no window reaches beyond the image.
    var isUnpadded: Bool {
        padTop == 0 && padLeft == 0 && spannedRows(lines: outputHeight) <= inputHeight && spannedColumns <= inputWidth
    }
}
