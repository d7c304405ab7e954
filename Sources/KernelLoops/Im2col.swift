// SPDX-License-Identifier: MIT

import KernelInterface

/// output [pixelCount, kernelHeight, kernelWidth, channelCount]: the window of each output pixel, zeros outside the image.
///
/// Loop order: pixels, rows of the window, columns of the window; the channels of a tap are copied as one run.
func im2col(
    _ output: Output, _ input: Input, _ geometry: WindowGeometry, _ firstChannel: Int, _ channelCount: Int,
    _ firstPixel: Int, _ pixelCount: Int
) {
    var target = output
    let rowStride = geometry.inputWidth &* geometry.channels
    for pixel in firstPixel..<(firstPixel &+ pixelCount) {
        let top = pixel / geometry.outputWidth &* geometry.strideHeight &- geometry.padTop
        let left = pixel % geometry.outputWidth &* geometry.strideWidth &- geometry.padLeft
        for ky in 0..<geometry.kernelHeight {
            let y = top &+ ky &* geometry.dilationHeight
            let isRowInside = y >= 0 && y < geometry.inputHeight
            let row = input + (y &* rowStride &+ firstChannel)
            for kx in 0..<geometry.kernelWidth {
                let x = left &+ kx &* geometry.dilationWidth
                if isRowInside && x >= 0 && x < geometry.inputWidth {
                    copy(target, row + x &* geometry.channels, channelCount)
                } else {
                    clear(target, channelCount)
                }
                target += channelCount
            }
        }
    }
}

@inline(__always)
private func copy(_ output: Output, _ input: Input, _ count: Int) {
    if count >= lanes {
        map(output, input, count) { $0 }
    } else {
        var index = 0
        while index < count {
            output[index] = input[index]
            index &+= 1
        }
    }
}

@inline(__always)
private func clear(_ output: Output, _ count: Int) {
    var index = 0
    while index < count {
        output[index] = 0
        index &+= 1
    }
}
