// SPDX-License-Identifier: MIT

import KernelInterface

// output [lines, pixels, channels] = activation(windows of the input · packed [depth, channels] + bias + residual)
//
// A matrix product whose rows are read where they stand, window by window: nothing is gathered. Loop order: groups of one
// to three panels; in each, the lines; in each, tiles of pixels whose sums stay in registers over the whole window.

func convolveLines(
    _ output: Output, _ input: Input, _ packed: Input, _ bias: Input?, _ residual: Input?, _ activation: Activation,
    _ lines: ConvolutionLines
) {
    let problem = GemmProblem(
        outputStride: lines.outputStride, inputStride: lines.inputStride, residualStride: lines.outputStride,
        activation: activation, k: lines.depth, windowRows: lines.windowRows, windowRowStride: lines.windowRowStride,
        windowTaps: lines.windowTaps, windowTapStride: lines.windowTapStride, tapLength: lines.tapLength)
    var following = FollowingWeights(nil)
    var column = 0
    while column < lines.outChannels {
        let panels = panelsInGroup(
            left: (lines.outChannels - column + laneCount - 1) / laneCount, rows: lines.linePixels)
        for line in 0..<lines.lineCount {
            let place = line * lines.outputLineStride + column
            gemmPanels(
                problem, panels, output + place, input + line * lines.inputLineStride, packed + column * problem.k,
                bias.map { $0 + column }, residual.map { $0 + place }, lines.linePixels,
                columns: min(panels * laneCount, lines.outChannels - column), &following)
        }
        column += panels * laneCount
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
private func copy(_ output: Output, _ input: Input, _ count: Int) {
    var index = 0
    while index + laneCount <= count {
        store(load(input + index), output + index)
        index += laneCount
    }
    if index < count { store(load(input + index, count: count - index), output + index, count: count - index) }
}

@inline(__always)
private func clear(_ output: Output, _ count: Int) {
    var index = 0
    while index + laneCount <= count {
        store(all(0), output + index)
        index += laneCount
    }
    if index < count { store(all(0), output + index, count: count - index) }
}
