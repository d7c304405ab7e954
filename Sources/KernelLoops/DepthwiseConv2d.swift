// SPDX-License-Identifier: MIT

import KernelInterface

// output [outputHeight, outputWidth, channels], input [inputHeight, inputWidth, channels],
// weight [kernelHeight * kernelWidth, channels]
//
// Loop order: output rows; one vector of channels; blocks of output pixels whose sums stay in registers while the rows of
// the window pass by. The activation and the sum of the row follow while the row's vector lies in L1.

func depthwiseConv2d(
    _ output: Output, _ rowSums: Output?, _ input: Input, _ weight: Input, _ bias: Input?,
    _ activation: Activation, _ geometry: WindowGeometry, _ firstRow: Int, _ rowCount: Int
) {
    let channels = geometry.channels
    for row in firstRow..<firstRow + rowCount {
        let outputRow = output + row * geometry.outputWidth * channels
        let taps = Taps(row: row, geometry: geometry)
        for channel in stride(from: 0, to: channels, by: laneCount) {
            let line = DepthwiseLine(
                output: outputRow + channel,
                input: input + taps.firstInputRow * geometry.inputWidth * channels + channel,
                weight: weight + taps.firstTap * geometry.kernelWidth * channels + channel,
                bias: bias.map { $0 + channel }, count: min(laneCount, channels - channel), taps: taps.count)
            line.convolve(geometry)
            if activation != .none || rowSums != nil {
                activateChannels(
                    line.output, channels, activation, pixels: geometry.outputWidth,
                    sums: rowSums.map { $0 + row * channels + channel }, count: line.count)
            }
        }
    }
}

/// The rows of a window that lie within the image, for one output row.
struct Taps {
    let firstTap: Int
    let count: Int
    let firstInputRow: Int

    init(row: Int, geometry: WindowGeometry) {
        let top = row * geometry.strideHeight - geometry.padTop
        let dilation = geometry.dilationHeight
        let first = top < 0 ? (-top + dilation - 1) / dilation : 0
        let last = min(
            geometry.kernelHeight,
            geometry.inputHeight > top ? (geometry.inputHeight - top + dilation - 1) / dilation : 0)
        count = max(0, last - first)
        firstTap = count > 0 ? first : 0
        firstInputRow = count > 0 ? top + first * dilation : 0
    }
}

/// One vector of channels in one output row.
private struct DepthwiseLine {
    let output: Output
    /// The first row that the window meets, at x = 0.
    let input: Input
    /// The filter's row that falls on it.
    let weight: Input
    let bias: Input?
    /// Channels in the vector.
    let count: Int
    /// Rows of the window within the image.
    let taps: Int

    @inline(__always)
    func convolve(_ geometry: WindowGeometry) {
        guard geometry.dilationWidth == 1 && count == laneCount else { return convolveAnyWindow(geometry) }
        switch (geometry.kernelWidth, geometry.strideWidth) {
        case (3, 1): DepthwiseBlock<3, 1>.convolve(self, geometry)
        case (3, 2): DepthwiseBlock<3, 2>.convolve(self, geometry)
        case (5, 1): DepthwiseBlock<5, 1>.convolve(self, geometry)
        case (5, 2): DepthwiseBlock<5, 2>.convolve(self, geometry)
        default: convolveAnyWindow(geometry)
        }
    }

    /// The general form: a pixel at a time.
    @inline(never)
    private func convolveAnyWindow(_ geometry: WindowGeometry) {
        let channels = geometry.channels
        let start = bias.map { load($0, count: count) } ?? all(0)
        for x in 0..<geometry.outputWidth {
            var sum = start
            for tap in 0..<taps {
                let inputRow = input + tap * geometry.dilationHeight * geometry.inputWidth * channels
                let weightRow = weight + tap * geometry.kernelWidth * channels
                for kernelX in 0..<geometry.kernelWidth {
                    let inputX = x * geometry.strideWidth - geometry.padLeft + kernelX * geometry.dilationWidth
                    guard inputX >= 0 && inputX < geometry.inputWidth else { continue }
                    sum = multiplyAdd(
                        sum, load(inputRow + inputX * channels, count: count),
                        load(weightRow + kernelX * channels, count: count))
                }
            }
            store(sum, output + x * channels, count: count)
        }
    }
}

#if KERNELS_AVX512
    private typealias BlockPixels = InlineArray<7, Lanes>
#elseif KERNELS_AVX2
    private typealias BlockPixels = InlineArray<7, Lanes>
#else
    private typealias BlockPixels = InlineArray<4, Lanes>
#endif

/// Seven output pixels at a time, for one width of window and one step.
private enum DepthwiseBlock<let width: Int, let step: Int> {
    @inline(__always)
    static func convolve(_ line: DepthwiseLine, _ geometry: WindowGeometry) {
        let channels = geometry.channels
        let pixels = BlockPixels.count
        let start = line.bias.map { load($0) } ?? all(0)
        var x = 0
        while x < geometry.outputWidth {
            let inputX = x * step - geometry.padLeft
            let isInner =
                inputX >= 0 && inputX + (pixels - 1) * step + width <= geometry.inputWidth
                && x + pixels <= geometry.outputWidth
            if isInner {
                let sums = inner(line, geometry, start, inputX)
                for pixel in 0..<pixels { store(sums[pixel], line.output + (x + pixel) * channels) }
            } else {
                let sums = outer(line, geometry, start, inputX)
                for pixel in 0..<pixels where x + pixel < geometry.outputWidth {
                    store(sums[pixel], line.output + (x + pixel) * channels)
                }
            }
            x += pixels
        }
    }

    /// All windows of the block lie within the image.
    @inline(__always)
    private static func inner(
        _ line: DepthwiseLine, _ geometry: WindowGeometry, _ start: Lanes, _ inputX: Int
    ) -> BlockPixels {
        let channels = geometry.channels
        var sums = BlockPixels(repeating: start)
        var input = line.input + inputX * channels
        var weight = line.weight
        for _ in 0..<line.taps {
            for tap in 0..<width {
                let factor = load(weight + tap * channels)
                for pixel in 0..<BlockPixels.count {
                    sums[pixel] = multiplyAdd(sums[pixel], load(input + (pixel * step + tap) * channels), factor)
                }
            }
            input += geometry.dilationHeight * geometry.inputWidth * channels
            weight += width * channels
        }
        return sums
    }

    /// Some windows reach over the left or right border.
    @inline(__always)
    private static func outer(
        _ line: DepthwiseLine, _ geometry: WindowGeometry, _ start: Lanes, _ inputX: Int
    ) -> BlockPixels {
        let channels = geometry.channels
        var sums = BlockPixels(repeating: start)
        var input = line.input
        var weight = line.weight
        for _ in 0..<line.taps {
            for tap in 0..<width {
                let factor = load(weight + tap * channels)
                for pixel in 0..<BlockPixels.count {
                    let x = inputX + pixel * step + tap
                    if x >= 0 && x < geometry.inputWidth {
                        sums[pixel] = multiplyAdd(sums[pixel], load(input + x * channels), factor)
                    }
                }
            }
            input += geometry.dilationHeight * geometry.inputWidth * channels
            weight += width * channels
        }
        return sums
    }
}
