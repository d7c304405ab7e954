// SPDX-License-Identifier: MIT

import KernelInterface

// output [outputHeight, outputWidth, channels], input [inputHeight, inputWidth, channels],
// weight [channels / laneCount][kernelHeight * kernelWidth][laneCount], as `pack` writes it
//
// Loop order: strips of output rows whose input stays in L2; one vector of channels, of which a window's rows stay in L1;
// the rows of the strip; blocks of output pixels whose sums stay in registers while the rows of the window pass by. The
// activation and the sum of the row follow while the row's vector lies in L1.

func depthwiseConv2d(
    _ output: Output, _ outputStride: Int, _ rowSums: Output?, _ input: Input, _ inputStride: Int, _ weight: Input,
    _ bias: Input?, _ activation: Activation, _ geometry: WindowGeometry, _ firstRow: Int, _ rowCount: Int
) {
    let channels = geometry.channels
    let inputRow = geometry.inputWidth * inputStride * geometry.strideHeight
    let stripRows = max(1, 98304 / max(1, inputRow) - geometry.kernelHeight / geometry.strideHeight)
    let end = firstRow + rowCount
    for strip in stride(from: firstRow, to: end, by: stripRows) {
        for channel in stride(from: 0, to: channels, by: laneCount) {
            for row in strip..<min(strip + stripRows, end) {
                let taps = Taps(row: row, geometry: geometry)
                let line = DepthwiseLine(
                    output: output + row * geometry.outputWidth * outputStride + channel, outputStride: outputStride,
                    input: input + taps.firstInputRow * geometry.inputWidth * inputStride + channel,
                    inputStride: inputStride,
                    weight: weight + channel * geometry.kernelHeight * geometry.kernelWidth
                        + taps.firstTap * geometry.kernelWidth * laneCount,
                    bias: bias.map { $0 + channel }, count: min(laneCount, channels - channel), taps: taps.count)
                line.convolve(geometry)
                if activation != .none || rowSums != nil {
                    activateChannels(
                        line.output, outputStride, activation, pixels: geometry.outputWidth,
                        sums: rowSums.map { $0 + row * outputStride + channel }, count: line.count)
                }
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
    let outputStride: Int
    /// The first row that the window meets, at x = 0.
    let input: Input
    let inputStride: Int
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
        case (7, 1): DepthwiseBlock<7, 1>.convolve(self, geometry)
        case (7, 2): DepthwiseBlock<7, 2>.convolve(self, geometry)
        default: convolveAnyWindow(geometry)
        }
    }

    /// The general form: a block of pixels at a time where all their windows lie within the rows, else one pixel.
    @inline(never)
    private func convolveAnyWindow(_ geometry: WindowGeometry) {
        let start = bias.map { load($0, count: count) } ?? all(0)
        let pixels = BlockPixels.count
        let span = (pixels - 1) * geometry.strideWidth + (geometry.kernelWidth - 1) * geometry.dilationWidth
        var x = 0
        while x < geometry.outputWidth {
            let inputX = x * geometry.strideWidth - geometry.padLeft
            if inputX >= 0 && inputX + span < geometry.inputWidth && x + pixels <= geometry.outputWidth {
                let sums =
                    count == laneCount
                    ? blockOfAnyWindow(geometry, start, inputX, isWhole: true)
                    : blockOfAnyWindow(geometry, start, inputX, isWhole: false)
                for pixel in 0..<pixels { store(sums[pixel], output + (x + pixel) * outputStride, count: count) }
                x += pixels
            } else {
                store(pixelOfAnyWindow(geometry, start, inputX), output + x * outputStride, count: count)
                x += 1
            }
        }
    }

    /// The sums of a block of pixels whose windows lie within the rows.
    ///
    /// - Parameter isWhole: Whether the vector of channels is full.
    @inline(__always)
    private func blockOfAnyWindow(
        _ geometry: WindowGeometry, _ start: Lanes, _ inputX: Int, isWhole: Bool
    ) -> BlockPixels {
        var sums = BlockPixels(repeating: start)
        let step = geometry.strideWidth * inputStride
        for tap in 0..<taps {
            var source = input + (tap * geometry.dilationHeight * geometry.inputWidth + inputX) * inputStride
            let weightRow = weight + tap * geometry.kernelWidth * laneCount
            for kernelX in 0..<geometry.kernelWidth {
                let factor = load(weightRow + kernelX * laneCount)
                for pixel in 0..<BlockPixels.count {
                    let value = isWhole ? load(source + pixel * step) : load(source + pixel * step, count: count)
                    sums[pixel] = multiplyAdd(sums[pixel], value, factor)
                }
                source += geometry.dilationWidth * inputStride
            }
        }
        return sums
    }

    /// The sum of one pixel, whose window may reach beyond the rows.
    @inline(__always)
    private func pixelOfAnyWindow(_ geometry: WindowGeometry, _ start: Lanes, _ inputX: Int) -> Lanes {
        var sum = start
        for tap in 0..<taps {
            let inputRow = input + tap * geometry.dilationHeight * geometry.inputWidth * inputStride
            let weightRow = weight + tap * geometry.kernelWidth * laneCount
            for kernelX in 0..<geometry.kernelWidth {
                let column = inputX + kernelX * geometry.dilationWidth
                guard column >= 0 && column < geometry.inputWidth else { continue }
                sum = multiplyAdd(
                    sum, load(inputRow + column * inputStride, count: count), load(weightRow + kernelX * laneCount))
            }
        }
        return sum
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
        let pixels = BlockPixels.count
        let start = line.bias.map { load($0) } ?? all(0)
        var x = 0
        while x < geometry.outputWidth {
            let inputX = x * step - geometry.padLeft
            let isInner =
                inputX >= 0 && inputX + (pixels - 1) * step + width <= geometry.inputWidth
                && x + pixels <= geometry.outputWidth
            let sums =
                isInner
                ? block(line, geometry, start, inputX, isInner: true)
                : block(line, geometry, start, inputX, isInner: false)
            if x + pixels <= geometry.outputWidth {
                for pixel in 0..<pixels { store(sums[pixel], line.output + (x + pixel) * line.outputStride) }
            } else {
                for pixel in 0..<pixels where x + pixel < geometry.outputWidth {
                    store(sums[pixel], line.output + (x + pixel) * line.outputStride)
                }
            }
            x += pixels
        }
    }

    /// The sums of one block. Each input vector is read once and multiplied by all taps that it meets.
    ///
    /// - Parameter isInner: Whether all windows of the block lie within the image; else what lies outside is left out.
    @inline(__always)
    private static func block(
        _ line: DepthwiseLine, _ geometry: WindowGeometry, _ start: Lanes, _ inputX: Int, isInner: Bool
    ) -> BlockPixels {
        var sums = BlockPixels(repeating: start)
        var input = line.input + inputX * line.inputStride
        var weight = line.weight
        for _ in 0..<line.taps {
            var factors = InlineArray<width, Lanes>(repeating: start)
            for tap in 0..<width { factors[tap] = load(weight + tap * laneCount) }
            for column in 0..<(BlockPixels.count - 1) * step + width
            where isInner || UInt(bitPattern: inputX + column) < UInt(bitPattern: geometry.inputWidth) {
                let value = load(input + column * line.inputStride)
                for tap in 0..<width where column >= tap && (column - tap) % step == 0 {
                    let pixel = (column - tap) / step
                    if pixel < BlockPixels.count { sums[pixel] = multiplyAdd(sums[pixel], value, factors[tap]) }
                }
            }
            input += geometry.dilationHeight * geometry.inputWidth * line.inputStride
            weight += width * laneCount
        }
        return sums
    }
}
