// SPDX-License-Identifier: MIT

import KernelInterface

// output [outputHeight, outputWidth, channels] from input [inputHeight, inputWidth, channels] and
// weight [kernelHeight * kernelWidth, channels]; rowSums [outputHeight, channels].
//
// Loop order: output rows, runs of output pixels, vectors of channels, taps. Pixels whose window lies inside the image
// horizontally are done four at a time, so that a weight is read once for four pixels.

func depthwiseConv2d(
    _ output: Output, _ rowSums: Output?, _ input: Input, _ weight: Input, _ bias: Input?, _ activation: Activation,
    _ geometry: WindowGeometry, _ firstRow: Int, _ rowCount: Int
) {
    let rowLength = geometry.outputWidth &* geometry.channels
    let inside = geometry.insideColumns
    for y in firstRow..<(firstRow &+ rowCount) {
        let target = output + y &* rowLength
        var x = 0
        while x < geometry.outputWidth {
            if x >= inside.first && x &+ 4 <= inside.end {
                depthwisePixels(target, input, weight, bias, geometry, y, x, count: 4)
                x &+= 4
            } else {
                depthwisePixels(target, input, weight, bias, geometry, y, x, count: 1)
                x &+= 1
            }
        }
        activate(target, Input(target), activation, rowLength)
        if let rowSums {
            sumRows(rowSums + y &* geometry.channels, Input(target), 1, geometry.outputWidth, geometry.channels)
        }
    }
}

extension WindowGeometry {
    /// The output columns whose whole window lies within the input's columns.
    fileprivate var insideColumns: (first: Int, end: Int) {
        let extent = (kernelWidth &- 1) &* dilationWidth &+ 1
        let first = (padLeft &+ strideWidth &- 1) / strideWidth
        let room = inputWidth &+ padLeft &- extent
        return (first, room < 0 ? 0 : min(outputWidth, room / strideWidth &+ 1))
    }
}

/// Pixels `x ..< x + count` of output row y, all channels; count is 1 or 4, and 4 only inside.
@inline(__always)
private func depthwisePixels(
    _ row: Output, _ input: Input, _ weight: Input, _ bias: Input?, _ geometry: WindowGeometry, _ y: Int, _ x: Int,
    count: Int
) {
    let channels = geometry.channels
    let target = row + x &* channels
    forEachVector(channels) { channel in
        let start = bias.map { load($0 + channel) } ?? Vector.zero
        var sum0 = start, sum1 = start, sum2 = start, sum3 = start
        forEachTap(input, geometry, y, x, count) { tap, source in
            let w = load(weight + (tap &* channels &+ channel))
            let step = geometry.strideWidth &* channels
            let base = source + channel
            sum0 = multiplyAdd(sum0, load(base), w)
            if count == 4 {
                sum1 = multiplyAdd(sum1, load(base + step), w)
                sum2 = multiplyAdd(sum2, load(base + 2 &* step), w)
                sum3 = multiplyAdd(sum3, load(base + 3 &* step), w)
            }
        }
        store(sum0, target + channel)
        if count == 4 {
            store(sum1, target + (channels &+ channel))
            store(sum2, target + (2 &* channels &+ channel))
            store(sum3, target + (3 &* channels &+ channel))
        }
    } tail: { channel, rest in
        for pixel in 0..<count {
            for offset in channel..<(channel &+ rest) {
                var sum = bias.map { $0[offset] } ?? 0
                forEachTap(input, geometry, y, x &+ pixel, 1) { tap, source in
                    sum = multiplyAdd(sum, source[offset], weight[tap &* channels &+ offset])
                }
                target[pixel &* channels &+ offset] = sum
            }
        }
    }
}

/// Calls `body` with each tap that lies inside the image, and the address of the input pixel under it.
@_transparent
private func forEachTap(
    _ input: Input, _ geometry: WindowGeometry, _ y: Int, _ x: Int, _ count: Int, _ body: (Int, Input) -> Void
) {
    let top = y &* geometry.strideHeight &- geometry.padTop
    let left = x &* geometry.strideWidth &- geometry.padLeft
    var ky = 0
    while ky < geometry.kernelHeight {
        let inputY = top &+ ky &* geometry.dilationHeight
        if inputY >= 0 && inputY < geometry.inputHeight {
            var kx = 0
            while kx < geometry.kernelWidth {
                let inputX = left &+ kx &* geometry.dilationWidth
                if count == 4 || (inputX >= 0 && inputX < geometry.inputWidth) {
                    body(
                        ky &* geometry.kernelWidth &+ kx,
                        input + (inputY &* geometry.inputWidth &+ inputX) &* geometry.channels)
                }
                kx &+= 1
            }
        }
        ky &+= 1
    }
}
