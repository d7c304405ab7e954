// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

// output [lines, pixels, channels] = activation(windows of the input · packed [depth, channels] + bias + residual)
//
// A matrix product whose rows are read where they stand, window by window: nothing is gathered. Loop order: groups of one
// to three panels; in each, parts of the window's rows, mostly a single one; the lines; in each, tiles of pixels whose sums
// stay in registers over the part.

func convolveLines(
    _ output: Output, _ input: Input, _ packed: Input, _ bias: Input?, _ residual: Input?, _ activation: Activation,
    _ lines: ConvolutionLines
) {
    let rowWeights = lines.windowTaps * lines.tapLength * laneCount
    let rowsAtOnce = windowRowsAtOnce(lines, rowWeights: rowWeights)
    var following = FollowingWeights(nil)
    var column = 0
    while column < lines.outChannels {
        let panels = panelsInGroup(
            left: (lines.outChannels - column + laneCount - 1) / laneCount, rows: lines.linePixels)
        let columns = min(panels * laneCount, lines.outChannels - column)
        let group = packed + column * lines.depth
        for first in stride(from: 0, to: max(1, lines.windowRows), by: rowsAtOnce) {
            let end = min(first + rowsAtOnce, lines.windowRows)
            let ahead = group + (end < lines.windowRows ? end * rowWeights : panels * lines.depth * laneCount)
            for line in 0..<lines.lineCount {
                guard let part = LinePart(lines, line: line, rows: first..<end) else { continue }
                let place = line * lines.outputLineStride + column
                let firstRow = part.rows.lowerBound
                gemmPanels(
                    GemmProblem(lines, windowRows: part.rows.count, activation: part.isLast ? activation : .none),
                    panels,
                    output + place, input + line * lines.inputLineStride + firstRow * lines.windowRowStride,
                    group + firstRow * rowWeights, ahead: ahead, part.isFirst ? bias.map { $0 + column } : nil,
                    part.isFirst ? residual.map { $0 + place } : Input(output + place), lines.linePixels,
                    columns: columns, &following)
            }
        }
        column += panels * laneCount
    }
}

/// Rows of the window to do for all lines before the next ones.
///
/// A deep panel would leave the caches from one line to the next: it is done in parts, whose sums are added up in the output.
/// The layer's shape alone decides, or the bits would depend on what is computed together.
private func windowRowsAtOnce(_ lines: ConvolutionLines, rowWeights: Int) -> Int {
    let room = 65536
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
    fileprivate init(_ lines: ConvolutionLines, windowRows: Int, activation: Activation) {
        self.init(
            outputStride: lines.outputStride, inputStride: lines.inputStride, residualStride: lines.outputStride,
            activation: activation, k: lines.depth, windowRows: windowRows, windowRowStride: lines.windowRowStride,
            windowTaps: lines.windowTaps, windowTapStride: lines.windowTapStride, tapLength: lines.tapLength)
    }
}

/// output [rowCount, width, channelCount] = rows `firstRow ..< firstRow + rowCount` of some channels of the input, from column
/// `firstColumn` on, zeros outside of it.
///
/// Loop order: rows; a whole row at once if all channels are taken, else a pixel at a time.
func copyPadded(
    _ output: Output, _ input: Input, _ geometry: WindowGeometry, _ firstChannel: Int, _ channelCount: Int,
    _ firstRow: Int, _ rowCount: Int, _ firstColumn: Int, _ width: Int
) {
    let left = min(width, max(0, -firstColumn))
    let inner = max(left, min(width, geometry.inputWidth - firstColumn))
    for row in 0..<rowCount {
        let target = output + row * width * channelCount
        let inputRow = firstRow + row
        guard inputRow >= 0 && inputRow < geometry.inputHeight else {
            clear(target, width * channelCount)
            continue
        }
        clear(target, left * channelCount)
        let source =
            input + (inputRow * geometry.inputWidth + firstColumn + left) * geometry.channels + firstChannel
        if channelCount == geometry.channels {
            copy(target + left * channelCount, source, (inner - left) * channelCount)
        } else {
            for pixel in 0..<inner - left {
                copy(target + (left + pixel) * channelCount, source + pixel * geometry.channels, channelCount)
            }
        }
        clear(target + inner * channelCount, (width - inner) * channelCount)
    }
}

/// Few values mostly: a call of the C library would cost more than the copy.
@inline(__always)
func copy(_ output: Output, _ input: Input, _ count: Int) {
    var index = 0
    while index + laneCount <= count {
        store(load(input + index), output + index)
        index += laneCount
    }
    if index < count { store(load(input + index, count: count - index), output + index, count: count - index) }
}

/// Writes zeros.
@inline(__always)
func clear(_ output: Output, _ count: Int) {
    var index = 0
    while index + laneCount <= count {
        store(all(0), output + index)
        index += laneCount
    }
    if index < count { store(all(0), output + index, count: count - index) }
}

#endif
