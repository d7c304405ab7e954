// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

// output [lines, pixels, channels], each channel from the input channel of the same number: lanes along the channels
//
// Loop order: vectors of channels; the lines; blocks of pixels whose sums stay in registers over the whole window.

func convolveChannels(_ call: WindowsCall) {
    let lines = call.lines
    for channel in stride(from: 0, to: lines.outChannels, by: laneCount) {
        let count = min(laneCount, lines.outChannels - channel)
        for line in 0..<lines.lineCount {
            let place = line * lines.outputLineStride + channel
            let rows = lines.rows.inside(line: line, of: lines.windowRows)
            let firstRow = line * lines.inputLineStride + rows.lowerBound * lines.windowRowStride
            let strip = ChannelwiseLine(
                output: call.output + place, input: call.input + firstRow + channel,
                packed: call.packed + channel * lines.depth + rows.lowerBound * lines.windowTaps * laneCount,
                epilogue: call.epilogue.advanced(columns: channel, residual: place), count: count,
                windowRows: rows.count)
            if count == laneCount {
                strip.convolve(lines, isWhole: true)
            } else {
                strip.convolve(lines, isWhole: false)
            }
        }
    }
}

/// One vector of channels in one output line.
private struct ChannelwiseLine {
    let output: Output
    let input: Input
    let packed: Input
    let epilogue: Epilogue
    /// Channels in the vector.
    let count: Int
    /// Rows of the window that lie in the image.
    let windowRows: Int

    /// - Parameter isWhole: Whether the vector of channels is full.
    @inline(__always)
    func convolve(_ lines: ConvolutionLines, isWhole: Bool) {
        var pixel = 0
        while pixel < lines.linePixels {
            switch height(lines.linePixels - pixel, tallest: Blocking.channelwisePixels) {
            case 2 where Blocking.channelwisePixels >= 2:
                pixel += ChannelwiseBlock<2>.compute(self, pixel, lines, isWhole)
            case 3 where Blocking.channelwisePixels >= 3:
                pixel += ChannelwiseBlock<3>.compute(self, pixel, lines, isWhole)
            case 4 where Blocking.channelwisePixels >= 4:
                pixel += ChannelwiseBlock<4>.compute(self, pixel, lines, isWhole)
            case 5 where Blocking.channelwisePixels >= 5:
                pixel += ChannelwiseBlock<5>.compute(self, pixel, lines, isWhole)
            case 6 where Blocking.channelwisePixels >= 6:
                pixel += ChannelwiseBlock<6>.compute(self, pixel, lines, isWhole)
            case 7 where Blocking.channelwisePixels >= 7:
                pixel += ChannelwiseBlock<7>.compute(self, pixel, lines, isWhole)
            case 8 where Blocking.channelwisePixels >= 8:
                pixel += ChannelwiseBlock<8>.compute(self, pixel, lines, isWhole)
            case 9 where Blocking.channelwisePixels >= 9:
                pixel += ChannelwiseBlock<9>.compute(self, pixel, lines, isWhole)
            case 10 where Blocking.channelwisePixels >= 10:
                pixel += ChannelwiseBlock<10>.compute(self, pixel, lines, isWhole)
            case 11 where Blocking.channelwisePixels >= 11:
                pixel += ChannelwiseBlock<11>.compute(self, pixel, lines, isWhole)
            case 12 where Blocking.channelwisePixels >= 12:
                pixel += ChannelwiseBlock<12>.compute(self, pixel, lines, isWhole)
            case 13 where Blocking.channelwisePixels >= 13:
                pixel += ChannelwiseBlock<13>.compute(self, pixel, lines, isWhole)
            case 14 where Blocking.channelwisePixels >= 14:
                pixel += ChannelwiseBlock<14>.compute(self, pixel, lines, isWhole)
            default: pixel += ChannelwiseBlock<1>.compute(self, pixel, lines, isWhole)
            }
        }
    }
}

/// Some pixels, whose sums stay in registers.
private enum ChannelwiseBlock<let pixels: Int> {
    @inline(__always)
    static func compute(_ line: ChannelwiseLine, _ pixel: Int, _ lines: ConvolutionLines, _ isWhole: Bool) -> Int {
        if isWhole { computeWhole(line, pixel, lines) } else { computePart(line, pixel, lines) }
        return pixels
    }

    // Functions of their own: of so many sizes, the compiler would not inline all, and would ask in the loop what `isWhole` is.

    @inline(never)
    private static func computeWhole(_ line: ChannelwiseLine, _ pixel: Int, _ lines: ConvolutionLines) {
        compute(line, pixel, lines, isWhole: true)
    }

    @inline(never)
    private static func computePart(_ line: ChannelwiseLine, _ pixel: Int, _ lines: ConvolutionLines) {
        compute(line, pixel, lines, isWhole: false)
    }

    @inline(__always)
    private static func compute(
        _ line: ChannelwiseLine, _ pixel: Int, _ lines: ConvolutionLines, isWhole: Bool
    ) {
        let count = isWhole ? laneCount : line.count
        var sums = InlineArray<pixels, Lanes>(repeating: all(0))
        if let bias = line.epilogue.bias {
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
        let place = pixel * lines.outputStride
        line.epilogue.advanced(residual: place).write(
            InlineArray<1, InlineArray<pixels, Lanes>>(repeating: sums), to: line.output + place,
            stride: lines.outputStride, residualStride: lines.outputStride, columns: count)
    }
}

#endif
