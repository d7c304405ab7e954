// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

// Parts of images, with zeros where they reach beyond the borders.

/// output [rows, columns, channels] = some rows and columns of some channels of the input, zeros outside of it.
///
/// Loop order: rows; a whole row at once if all channels are taken, else a pixel at a time.
func copyPadded(
    _ output: Output, _ input: Input, _ geometry: WindowGeometry, _ channels: Range<Int>, _ rows: Range<Int>,
    _ columns: Range<Int>
) {
    let (firstChannel, channelCount, firstColumn, width) = (
        channels.lowerBound, channels.count, columns.lowerBound, columns.count
    )
    let left = min(width, max(0, -firstColumn))
    let inner = max(left, min(width, geometry.inputWidth - firstColumn))
    for row in 0..<rows.count {
        let target = output + row * width * channelCount
        let inputRow = rows.lowerBound + row
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

/// output [lines, outputWidth, kernelHeight, kernelWidth, channels] = the windows of the lines, zeros beyond the image.
///
/// Loop order: lines; pixels; the window's rows; in each, its values at once if they lie side by side.
func copyWindows(
    _ output: Output, _ input: Input, _ geometry: WindowGeometry, _ channels: Range<Int>, _ lines: Range<Int>
) {
    let (firstChannel, channelCount) = (channels.lowerBound, channels.count)
    let isDense = geometry.dilationWidth == 1 && channelCount == geometry.channels
    let rowFloats = geometry.kernelWidth * channelCount
    var target = output
    for line in lines {
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
