// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

// output [lines, pixels, channels] = activation(windows of the input · packed [depth, channels] + bias + residual)
//
// A matrix product whose rows are read where they stand, window by window: nothing is gathered. Loop order: groups of one
// to three panels; in each, parts of the window's rows, mostly a single one; the lines; in each, tiles of pixels whose sums
// stay in registers over the part.

func convolveLines(_ call: WindowsCall) {
    let lines = call.lines
    let rowWeights = lines.windowTaps * lines.tapLength * laneCount
    let rowsAtOnce = windowRowsAtOnce(lines, rowWeights: rowWeights)
    var following = FollowingWeights(nil)
    var column = 0
    while column < lines.outChannels {
        let panels = Blocking.panelsInGroup(
            left: (lines.outChannels - column + laneCount - 1) / laneCount, rows: lines.linePixels)
        let columns = min(panels * laneCount, lines.outChannels - column)
        let group = call.packed + column * lines.depth
        for first in stride(from: 0, to: max(1, lines.windowRows), by: rowsAtOnce) {
            let end = min(first + rowsAtOnce, lines.windowRows)
            let prefetching = group + (end < lines.windowRows ? end * rowWeights : panels * lines.depth * laneCount)
            for line in 0..<lines.lineCount {
                guard let part = LinePart(lines, line: line, rows: first..<end) else { continue }
                let place = line * lines.outputLineStride + column
                let firstRow = part.rows.lowerBound
                let output = call.output + place
                var epilogue = call.epilogue.advanced(columns: column, residual: place)
                if !part.isFirst { (epilogue.bias, epilogue.residual) = (nil, Input(output)) }
                if !part.isLast { epilogue.activation = .none }
                gemmPanels(
                    GemmProblem(lines, windowRows: part.rows.count), panels, output,
                    call.input + line * lines.inputLineStride + firstRow * lines.windowRowStride,
                    group + firstRow * rowWeights, prefetching: prefetching, epilogue, lines.linePixels,
                    columns: columns,
                    &following)
            }
        }
        column += panels * laneCount
    }
}

/// Rows of the window to do for all lines before the next ones.
///
/// A deep panel would leave the caches from one line to the next: it is done in parts, whose sums are added up in the output.
/// Only the layer's shape decides, or the bits would depend on what is computed together.
private func windowRowsAtOnce(_ lines: ConvolutionLines, rowWeights: Int) -> Int {
    let room = CacheSizes.l2Floats / 4
    return lines.depth * laneCount <= room ? max(1, lines.windowRows) : max(1, room / rowWeights)
}

/// What some rows of the window are for one line.
private struct LinePart {
    /// Those in the image.
    let rows: Range<Int>
    /// Whether no other part comes before: bias and residual are to be added.
    let isFirst: Bool
    /// Whether no other part comes after it.
    let isLast: Bool

    /// Nil if they add nothing. The first part of a window without values writes bias and residual.
    @inline(__always)
    init?(_ lines: ConvolutionLines, line: Int, rows part: Range<Int>) {
        let inside = lines.rows.inside(line: line, of: lines.windowRows)
        guard !inside.isEmpty else {
            guard part.lowerBound == 0 else { return nil }
            (rows, isFirst, isLast) = (inside, true, true)
            return
        }
        let (first, end) = (max(inside.lowerBound, part.lowerBound), min(inside.upperBound, part.upperBound))
        guard first < end else { return nil }
        (rows, isFirst, isLast) = (first..<end, first == inside.lowerBound, end == inside.upperBound)
    }
}

extension GemmProblem {
    /// Some rows of the windows of one line.
    fileprivate init(_ lines: ConvolutionLines, windowRows: Int) {
        self.init(
            outputStride: lines.outputStride, inputStride: lines.inputStride, residualStride: lines.outputStride,
            k: lines.depth, windowRows: windowRows, windowRowStride: lines.windowRowStride,
            windowTaps: lines.windowTaps, windowTapStride: lines.windowTapStride, tapLength: lines.tapLength)
    }
}

#endif
