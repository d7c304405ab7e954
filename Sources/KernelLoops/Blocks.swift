// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

// Blocks of a matrix's rows and columns, row after row.

/// output[r, c] = bias[c] + residual[r, c]
func beginBlock(
    _ output: Output, _ outputStride: Int, _ bias: Input?, _ residual: Input?, _ residualStride: Int,
    _ rows: Int, _ columns: Int
) {
    for row in 0..<rows {
        let target = output + row * outputStride
        guard let residual = residual.map({ $0 + row * residualStride }) else {
            if let bias { copy(target, bias, columns) } else { clear(target, columns) }
            continue
        }
        guard let bias else {
            copy(target, residual, columns)
            continue
        }
        for column in stride(from: 0, to: columns, by: laneCount) {
            let count = min(laneCount, columns - column)
            storeAny(loadAny(bias + column, count) + loadAny(residual + column, count), target + column, count)
        }
    }
}

/// output[r, c] = activation(output[r, c])
func activateBlock(_ output: Output, _ outputStride: Int, _ activation: Activation, _ rows: Int, _ columns: Int) {
    guard activation != .none else { return }
    activateRows(output, outputStride, Input(output), outputStride, activation, rows: rows, columns: columns)
}

/// output[r, c] = input[r, c] * scale[r]
func scaleRows(_ output: Output, _ input: Input, _ scale: Input, _ rows: Int, _ columns: Int) {
    for row in 0..<rows {
        let (target, source, factor) = (output + row * columns, input + row * columns, all(scale[row]))
        for column in stride(from: 0, to: columns, by: laneCount) {
            let count = min(laneCount, columns - column)
            storeAny(loadAny(source + column, count) * factor, target + column, count)
        }
    }
}

/// output [lines, outputWidth, kernelHeight, kernelWidth, channelCount] = the windows of the lines, zeros beyond the image.
///
/// Loop order: lines; pixels; the window's rows; in each, its values at once if they lie side by side.
func copyWindows(
    _ output: Output, _ input: Input, _ geometry: WindowGeometry, _ firstChannel: Int, _ channelCount: Int,
    _ firstLine: Int, _ lineCount: Int
) {
    let isDense = geometry.dilationWidth == 1 && channelCount == geometry.channels
    let rowFloats = geometry.kernelWidth * channelCount
    var target = output
    for line in firstLine..<firstLine + lineCount {
        let top = line * geometry.strideHeight - geometry.padTop
        for pixel in 0..<geometry.outputWidth {
            let left = pixel * geometry.strideWidth - geometry.padLeft
            let end = left + (geometry.kernelWidth - 1) * geometry.dilationWidth + 1
            for row in 0..<geometry.kernelHeight {
                let y = top + row * geometry.dilationHeight
                if y < 0 || y >= geometry.inputHeight {
                    clear(target, rowFloats)
                } else {
                    let source = input + (y * geometry.inputWidth + left) * geometry.channels + firstChannel
                    if isDense && left >= 0 && end <= geometry.inputWidth {
                        copy(target, source, rowFloats)
                    } else {
                        copyTaps(target, source, geometry, channelCount, left)
                    }
                }
                target += rowFloats
            }
        }
    }
}

/// One row of a window, value by value of its width: from column `left` on, which may be negative.
@inline(__always)
private func copyTaps(
    _ target: Output, _ source: Input, _ geometry: WindowGeometry, _ channelCount: Int, _ left: Int
) {
    for tap in 0..<geometry.kernelWidth {
        let place = tap * geometry.dilationWidth
        if left + place < 0 || left + place >= geometry.inputWidth {
            clear(target + tap * channelCount, channelCount)
        } else {
            copy(target + tap * channelCount, source + place * geometry.channels, channelCount)
        }
    }
}

#endif
