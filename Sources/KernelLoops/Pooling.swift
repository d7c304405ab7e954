// SPDX-License-Identifier: MIT

import KernelInterface

// output [outputHeight, outputWidth, channels] from input [inputHeight, inputWidth, channels]. Loop order: output rows and
// columns, vectors of channels, the window.

/// Rows and columns of the input that a window covers.
private struct Cover {
    var firstRow: Int
    var endRow: Int
    var firstColumn: Int
    var endColumn: Int
}

/// The largest value of each window; NaN wins, padding never.
func maxPool2d(_ output: Output, _ input: Input, _ geometry: WindowGeometry, _ firstRow: Int, _ rowCount: Int) {
    let channels = geometry.channels
    for y in firstRow..<(firstRow &+ rowCount) {
        for x in 0..<geometry.outputWidth {
            let target = output + (y &* geometry.outputWidth &+ x) &* channels
            forEachVector(channels) { channel in
                var largest = splat(-Float.infinity)
                forEachPixel(input, geometry, y, x) { source in
                    let value = load(source + channel)
                    largest = largest.replacing(with: value, where: value .> largest .| value .!= value)
                }
                store(largest, target + channel)
            } tail: { channel, rest in
                var largest = splat(-Float.infinity)
                forEachPixel(input, geometry, y, x) { source in
                    let value = load(source + channel, count: rest)
                    largest = largest.replacing(with: value, where: value .> largest .| value .!= value)
                }
                store(largest, target + channel, count: rest)
            }
        }
    }
}

/// The mean of each window.
func avgPool2d(
    _ output: Output, _ input: Input, _ geometry: WindowGeometry, _ countIncludePad: Bool, _ firstRow: Int,
    _ rowCount: Int
) {
    for y in firstRow..<(firstRow &+ rowCount) {
        let top = y &* geometry.strideHeight &- geometry.padTop
        let bottom = min(top &+ geometry.kernelHeight, geometry.inputHeight &+ geometry.padBottom)
        for x in 0..<geometry.outputWidth {
            let left = x &* geometry.strideWidth &- geometry.padLeft
            let right = min(left &+ geometry.kernelWidth, geometry.inputWidth &+ geometry.padRight)
            let cover = Cover(
                firstRow: max(0, top), endRow: min(bottom, geometry.inputHeight), firstColumn: max(0, left),
                endColumn: min(right, geometry.inputWidth))
            let real = (cover.endRow &- cover.firstRow) &* (cover.endColumn &- cover.firstColumn)
            let count = countIncludePad ? (bottom &- top) &* (right &- left) : real
            mean(output + (y &* geometry.outputWidth &+ x) &* geometry.channels, input, geometry, cover, count)
        }
    }
}

/// The means of PyTorch's adaptive windows.
func adaptiveAvgPool2d(_ output: Output, _ input: Input, _ geometry: WindowGeometry) {
    let (height, width) = (geometry.outputHeight, geometry.outputWidth)
    for y in 0..<height {
        for x in 0..<width {
            let cover = Cover(
                firstRow: y &* geometry.inputHeight / height,
                endRow: ((y &+ 1) &* geometry.inputHeight &+ height &- 1) / height,
                firstColumn: x &* geometry.inputWidth / width,
                endColumn: ((x &+ 1) &* geometry.inputWidth &+ width &- 1) / width)
            let count = (cover.endRow &- cover.firstRow) &* (cover.endColumn &- cover.firstColumn)
            mean(output + (y &* width &+ x) &* geometry.channels, input, geometry, cover, count)
        }
    }
}

/// output [channels]: the sum over the cover, divided by `count`.
@inline(__always)
private func mean(_ output: Output, _ input: Input, _ geometry: WindowGeometry, _ cover: Cover, _ count: Int) {
    let channels = geometry.channels
    let divisor = splat(Float(count))
    forEachVector(channels) { channel in
        var sum = Vector.zero
        for y in cover.firstRow..<max(cover.firstRow, cover.endRow) {
            for x in cover.firstColumn..<max(cover.firstColumn, cover.endColumn) {
                sum += load(input + ((y &* geometry.inputWidth &+ x) &* channels &+ channel))
            }
        }
        store(sum / divisor, output + channel)
    } tail: { channel, rest in
        var sum = Vector.zero
        for y in cover.firstRow..<max(cover.firstRow, cover.endRow) {
            for x in cover.firstColumn..<max(cover.firstColumn, cover.endColumn) {
                sum += load(input + ((y &* geometry.inputWidth &+ x) &* channels &+ channel), count: rest)
            }
        }
        store(sum / divisor, output + channel, count: rest)
    }
}

/// Calls `body` with the address of each pixel under the window that lies inside the image.
@_transparent
private func forEachPixel(_ input: Input, _ geometry: WindowGeometry, _ y: Int, _ x: Int, _ body: (Input) -> Void) {
    let top = y &* geometry.strideHeight &- geometry.padTop
    let left = x &* geometry.strideWidth &- geometry.padLeft
    var ky = 0
    while ky < geometry.kernelHeight {
        let inputY = top &+ ky &* geometry.dilationHeight
        if inputY >= 0 && inputY < geometry.inputHeight {
            var kx = 0
            while kx < geometry.kernelWidth {
                let inputX = left &+ kx &* geometry.dilationWidth
                if inputX >= 0 && inputX < geometry.inputWidth {
                    body(input + (inputY &* geometry.inputWidth &+ inputX) &* geometry.channels)
                }
                kx &+= 1
            }
        }
        ky &+= 1
    }
}
