// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

// output [outputHeight, outputWidth, channels], input [inputHeight, inputWidth, channels]
//
// Loop order: output rows; output pixels; one vector of channels; the part of the window that lies within the image.

/// Largest value in each window; NaN wins, padding never does.
func maxPool2d(_ output: Output, _ input: Input, _ geometry: WindowGeometry, _ rows: Range<Int>) {
    let channels = geometry.channels
    forEachWindow(geometry, rows) { window in
        for channel in stride(from: 0, to: channels, by: laneCount) {
            let count = min(laneCount, channels - channel)
            var largest = all(-.infinity)
            for y in stride(from: window.top, to: window.bottom, by: geometry.dilationHeight) {
                for x in stride(from: window.left, to: window.right, by: geometry.dilationWidth) {
                    let value = loadAny(input + (y * geometry.inputWidth + x) * channels + channel, count)
                    // Not "larger or unordered": a NaN already found must stay.
                    largest = largest.replacing(with: value, where: .!(value .<= largest) .& (largest .== largest))
                }
            }
            storeAny(largest, output + window.pixel * channels + channel, count)
        }
    }
}

/// Mean of each window, over the padded image or over the real values only.
func avgPool2d(
    _ output: Output, _ input: Input, _ geometry: WindowGeometry, _ countIncludePad: Bool, _ rows: Range<Int>
) {
    forEachWindow(geometry, rows) { window in
        let area = countIncludePad ? window.paddedArea : (window.bottom - window.top) * (window.right - window.left)
        averageWindow(output, input, geometry, window, area: area)
    }
}

/// Means of PyTorch's adaptive windows: output y takes rows floor(y * H / h) ..< ceil((y + 1) * H / h).
func adaptiveAvgPool2d(_ output: Output, _ input: Input, _ geometry: WindowGeometry) {
    let (height, width) = (geometry.outputHeight, geometry.outputWidth)
    for y in 0..<height {
        for x in 0..<width {
            let window = Window(
                pixel: y * width + x, top: y * geometry.inputHeight / height, left: x * geometry.inputWidth / width,
                bottom: ((y + 1) * geometry.inputHeight + height - 1) / height,
                right: ((x + 1) * geometry.inputWidth + width - 1) / width, paddedArea: 0)
            let area = (window.bottom - window.top) * (window.right - window.left)
            averageWindow(output, input, geometry, window, area: area)
        }
    }
}

/// The part of a window that lies within the image.
private struct Window {
    /// The output pixel, counted row by row.
    let pixel: Int
    let top: Int
    let left: Int
    let bottom: Int
    let right: Int
    /// Taps within the image and its declared padding.
    let paddedArea: Int
}

@inline(__always)
private func forEachWindow(
    _ geometry: WindowGeometry, _ rows: Range<Int>, _ body: (Window) -> Void
) {
    for outputY in rows {
        let y = outputY * geometry.strideHeight - geometry.padTop
        let yEnd = y + (geometry.kernelHeight - 1) * geometry.dilationHeight + 1
        for outputX in 0..<geometry.outputWidth {
            let x = outputX * geometry.strideWidth - geometry.padLeft
            let xEnd = x + (geometry.kernelWidth - 1) * geometry.dilationWidth + 1
            body(
                Window(
                    pixel: outputY * geometry.outputWidth + outputX,
                    top: firstTap(y, geometry.dilationHeight), left: firstTap(x, geometry.dilationWidth),
                    bottom: min(yEnd, geometry.inputHeight), right: min(xEnd, geometry.inputWidth),
                    paddedArea: (min(yEnd, geometry.inputHeight + geometry.padBottom) - y)
                        * (min(xEnd, geometry.inputWidth + geometry.padRight) - x)))
        }
    }
}

/// The first tap at or after 0 of a window that begins at `start`.
@inline(__always)
private func firstTap(_ start: Int, _ dilation: Int) -> Int {
    start >= 0 ? start : start + (-start + dilation - 1) / dilation * dilation
}

@inline(__always)
private func averageWindow(
    _ output: Output, _ input: Input, _ geometry: WindowGeometry, _ window: Window, area: Int
) {
    let channels = geometry.channels
    for channel in stride(from: 0, to: channels, by: laneCount) {
        let count = min(laneCount, channels - channel)
        var total = all(0)
        for y in window.top..<max(window.top, window.bottom) {
            for x in window.left..<max(window.left, window.right) {
                total = total + loadAny(input + (y * geometry.inputWidth + x) * channels + channel, count)
            }
        }
        storeAny(total / all(Float(area)), output + window.pixel * channels + channel, count)
    }
}

#endif
