// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

// output [lines, pixels, channels], each channel from the input channel of the same number: lanes along the channels
//
// Loop order: vectors of channels; the lines; blocks of pixels whose sums stay in registers over the whole window.

func convolveChannels(
    _ output: Output, _ input: Input, _ packed: Input, _ bias: Input?, _ residual: Input?, _ activation: Activation,
    _ lines: ConvolutionLines
) {
    for channel in stride(from: 0, to: lines.outChannels, by: laneCount) {
        let count = min(laneCount, lines.outChannels - channel)
        for line in 0..<lines.lineCount {
            let place = line * lines.outputLineStride + channel
            let rows = lines.rows.inside(line: line, of: lines.windowRows)
            let firstRow = line * lines.inputLineStride + rows.lowerBound * lines.windowRowStride
            let strip = ChannelwiseLine(
                output: output + place, input: input + firstRow + channel,
                packed: packed + channel * lines.depth + rows.lowerBound * lines.windowTaps * laneCount,
                bias: bias.map { $0 + channel }, residual: residual.map { $0 + place }, count: count,
                windowRows: rows.count)
            if count == laneCount {
                strip.convolve(lines, activation, isWhole: true)
            } else {
                strip.convolve(lines, activation, isWhole: false)
            }
        }
    }
}

/// One vector of channels in one output line.
private struct ChannelwiseLine {
    let output: Output
    let input: Input
    let packed: Input
    let bias: Input?
    let residual: Input?
    /// Channels in the vector.
    let count: Int
    /// Rows of the window that lie in the image.
    let windowRows: Int

    /// - Parameter isWhole: Whether the vector of channels is full.
    @inline(__always)
    func convolve(_ lines: ConvolutionLines, _ activation: Activation, isWhole: Bool) {
        var pixel = 0
        while pixel < lines.linePixels {
            switch height(lines.linePixels - pixel, tallest: LargeBlock.pixels) {
            case 1: pixel += ChannelwiseBlock<1>.compute(self, pixel, lines, activation, isWhole)
            case 2: pixel += ChannelwiseBlock<2>.compute(self, pixel, lines, activation, isWhole)
            case 3: pixel += ChannelwiseBlock<3>.compute(self, pixel, lines, activation, isWhole)
            case 4: pixel += ChannelwiseBlock<4>.compute(self, pixel, lines, activation, isWhole)
            case 5: pixel += ChannelwiseBlock<5>.compute(self, pixel, lines, activation, isWhole)
            case 6: pixel += ChannelwiseBlock<6>.compute(self, pixel, lines, activation, isWhole)
            case 7: pixel += ChannelwiseBlock<7>.compute(self, pixel, lines, activation, isWhole)
            #if KERNELS_AVX512
            case 8: pixel += ChannelwiseBlock<8>.compute(self, pixel, lines, activation, isWhole)
            case 9: pixel += ChannelwiseBlock<9>.compute(self, pixel, lines, activation, isWhole)
            case 10: pixel += ChannelwiseBlock<10>.compute(self, pixel, lines, activation, isWhole)
            case 11: pixel += ChannelwiseBlock<11>.compute(self, pixel, lines, activation, isWhole)
            case 12: pixel += ChannelwiseBlock<12>.compute(self, pixel, lines, activation, isWhole)
            case 13: pixel += ChannelwiseBlock<13>.compute(self, pixel, lines, activation, isWhole)
            #endif
            default: pixel += LargeBlock.compute(self, pixel, lines, activation, isWhole)
            }
        }
    }
}

#if KERNELS_AVX512
private typealias LargeBlock = ChannelwiseBlock<14>
#else
private typealias LargeBlock = ChannelwiseBlock<8>
#endif

/// Some pixels, whose sums stay in registers.
private enum ChannelwiseBlock<let pixels: Int> {
    @inline(__always)
    static func compute(
        _ line: ChannelwiseLine, _ pixel: Int, _ lines: ConvolutionLines, _ activation: Activation, _ isWhole: Bool
    ) -> Int {
        if isWhole { computeWhole(line, pixel, lines, activation) } else { computePart(line, pixel, lines, activation) }
        return pixels
    }

    // Functions of their own: of so many sizes, the compiler would not inline all, and would ask in the loop what `isWhole` is.

    @inline(never)
    private static func computeWhole(
        _ line: ChannelwiseLine, _ pixel: Int, _ lines: ConvolutionLines, _ activation: Activation
    ) {
        compute(line, pixel, lines, activation, isWhole: true)
    }

    @inline(never)
    private static func computePart(
        _ line: ChannelwiseLine, _ pixel: Int, _ lines: ConvolutionLines, _ activation: Activation
    ) {
        compute(line, pixel, lines, activation, isWhole: false)
    }

    @inline(__always)
    private static func compute(
        _ line: ChannelwiseLine, _ pixel: Int, _ lines: ConvolutionLines, _ activation: Activation, isWhole: Bool
    ) {
        let count = isWhole ? laneCount : line.count
        var sums = InlineArray<pixels, Lanes>(repeating: all(0))
        if let bias = line.bias {
            let start = loadAny(bias, count)
            for pixel in 0..<pixels { sums[pixel] = start }
        }
        var packed = line.packed
        var window = line.input + pixel * lines.inputStride
        for _ in 0..<line.windowRows {
            var tap = window
            for _ in 0..<lines.windowTaps {
                let factor = load(packed)
                for pixel in 0..<pixels {
                    let source = tap + pixel &* lines.inputStride
                    let value = isWhole ? load(source) : load(source, count: count)
                    sums[pixel] = multiplyAdd(sums[pixel], value, factor)
                }
                packed += laneCount
                tap += lines.windowTapStride
            }
            window += lines.windowRowStride
        }
        let apply = activation == .relu ? Float(0) : -.infinity
        let output = line.output + pixel * lines.outputStride
        let residual = line.residual.map { $0 + pixel * lines.outputStride }
        for pixel in 0..<pixels {
            var value = sums[pixel]
            if let residual { value = value + loadAny(residual + pixel * lines.outputStride, count) }
            storeAny(larger(value, apply), output + pixel * lines.outputStride, count)
        }
        if activation != .none && activation != .relu {
            activateRows(
                output, lines.outputStride, Input(output), lines.outputStride, activation, rows: pixels,
                columns: count)
        }
    }
}

#endif
