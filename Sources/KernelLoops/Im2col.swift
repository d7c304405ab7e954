// SPDX-License-Identifier: MIT

import KernelInterface

/// output [pixelCount, kernelHeight, kernelWidth, channelCount]; input [inputHeight, inputWidth, channels].
///
/// Loop order: output pixels; rows of the window; within a row, all taps at once where they lie side by side in memory.
func im2col(
    _ output: Output, _ input: Input, _ geometry: WindowGeometry, _ firstChannel: Int, _ channelCount: Int,
    _ firstPixel: Int, _ pixelCount: Int
) {
    guard pixelCount > 0 else { return }
    let isContiguous = channelCount == geometry.channels && geometry.dilationWidth == 1
    let tapRow = geometry.kernelWidth * channelCount
    var target = output
    var y = firstPixel / geometry.outputWidth
    var x = firstPixel % geometry.outputWidth
    for _ in 0..<pixelCount {
        let left = x * geometry.strideWidth - geometry.padLeft
        let isInner = left >= 0 && left + (geometry.kernelWidth - 1) * geometry.dilationWidth < geometry.inputWidth
        for kernelY in 0..<geometry.kernelHeight {
            let inputY = y * geometry.strideHeight - geometry.padTop + kernelY * geometry.dilationHeight
            if inputY < 0 || inputY >= geometry.inputHeight {
                clear(target, tapRow)
            } else {
                let row = input + inputY * geometry.inputWidth * geometry.channels + firstChannel
                if isInner && isContiguous {
                    copy(target, row + left * geometry.channels, tapRow)
                } else {
                    gatherTaps(target, row, geometry, left, channelCount)
                }
            }
            target += tapRow
        }
        x += 1
        if x == geometry.outputWidth {
            x = 0
            y += 1
        }
    }
}

/// One row of a window, a tap at a time.
private func gatherTaps(_ output: Output, _ row: Input, _ geometry: WindowGeometry, _ left: Int, _ channelCount: Int) {
    for kernelX in 0..<geometry.kernelWidth {
        let x = left + kernelX * geometry.dilationWidth
        let target = output + kernelX * channelCount
        if x < 0 || x >= geometry.inputWidth {
            clear(target, channelCount)
        } else {
            copy(target, row + x * geometry.channels, channelCount)
        }
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
