// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

// output [lines, pixels, channels], lanes along the channels, of several groups each: each lane picks its group's inputs
//
// Loop order: vectors of channels; the lines; blocks of pixels whose sums stay in registers over the whole window.

func convolveGroups(
    _ output: Output, _ input: Input, _ packed: Input, _ bias: Input?, _ residual: Input?, _ activation: Activation,
    _ lines: ConvolutionLines, _ groups: Int
) {
    let (inputs, outputs) = (lines.tapLength, lines.outChannels / groups)
    // Of the next output channel: its group, and how many of the group's are before it.
    var (group, outputsBefore) = (0, 0)
    for channel in stride(from: 0, to: lines.outChannels, by: laneCount) {
        let count = min(laneCount, lines.outChannels - channel)
        let firstGroup = group
        var places = LaneIntegers(repeating: 0)
        var span = 0
        for lane in 0..<count {
            places[lane] = Int32(truncatingIfNeeded: (group - firstGroup) * inputs)
            span = (group - firstGroup + 1) * inputs
            outputsBefore += 1
            if outputsBefore == outputs { (group, outputsBefore) = (group + 1, 0) }
        }
        let vector = GroupedVector(
            output: output + channel, input: input + firstGroup * inputs, packed: packed + channel * lines.depth,
            bias: bias.map { $0 + channel }, residual: residual.map { $0 + channel }, count: count,
            places: unsafeBitCast(places, to: IntLanes.self),
            span: span)
        if span <= laneCount {
            vector.convolve(lines, activation, isWide: false)
        } else {
            vector.convolve(lines, activation, isWide: true)
        }
    }
}

/// One vector of output channels.
private struct GroupedVector {
    let output: Output
    /// The first value that the channels read of the first line's first window.
    let input: Input
    let packed: Input
    let bias: Input?
    let residual: Input?
    /// Channels in the vector.
    let count: Int
    /// Where each channel's first input stands in a pixel, and how many values they span.
    let places: IntLanes
    let span: Int

    /// - Parameter isWide: Whether the channels read more values than a vector holds.
    @inline(__always)
    func convolve(_ lines: ConvolutionLines, _ activation: Activation, isWide: Bool) {
        for line in 0..<lines.lineCount {
            var pixel = 0
            while pixel < lines.linePixels {
                switch lines.linePixels - pixel {
                case LargeBlock.pixels...: pixel += LargeBlock.compute(self, line, pixel, lines, activation, isWide)
                case 3...: pixel += GroupedBlock<3>.compute(self, line, pixel, lines, activation, isWide)
                default: pixel += GroupedBlock<1>.compute(self, line, pixel, lines, activation, isWide)
                }
            }
        }
    }
}

// The inputs of a block's pixels stay in registers beside its sums: one or two vectors for each pixel.
#if KERNELS_AVX512
private typealias LaneIntegers = InlineArray<16, Int32>
private typealias LargeBlock = GroupedBlock<8>
#elseif KERNELS_AVX2
private typealias LaneIntegers = InlineArray<8, Int32>
private typealias LargeBlock = GroupedBlock<4>
#else
private typealias LaneIntegers = InlineArray<4, Int32>
private typealias LargeBlock = GroupedBlock<8>
#endif

/// Some pixels, whose sums stay in registers.
private enum GroupedBlock<let pixels: Int> {
    @inline(__always)
    static func compute(
        _ vector: GroupedVector, _ line: Int, _ pixel: Int, _ lines: ConvolutionLines, _ activation: Activation,
        _ isWide: Bool
    ) -> Int {
        var sums = InlineArray<pixels, Lanes>(repeating: all(0))
        if let bias = vector.bias {
            let start = loadAny(bias, vector.count)
            for pixel in 0..<pixels { sums[pixel] = start }
        }
        let rows = lines.rows.inside(line: line, of: lines.windowRows)
        var packed = vector.packed + rows.lowerBound * lines.windowTaps * lines.tapLength * laneCount
        var window = vector.input + line * lines.inputLineStride + pixel * lines.inputStride
        window += rows.lowerBound * lines.windowRowStride
        for _ in rows {
            var tap = window
            for _ in 0..<lines.windowTaps {
                var places = vector.places
                for _ in 0..<lines.tapLength {
                    let factor = load(packed)
                    for pixel in 0..<pixels {
                        let source = tap + pixel &* lines.inputStride
                        let value =
                            isWide ? pickWide(source, places, of: vector.span) : pick(source, places, of: vector.span)
                        sums[pixel] = multiplyAdd(sums[pixel], value, factor)
                    }
                    places = places &+ IntLanes(repeating: 1)
                    packed += laneCount
                }
                tap += lines.windowTapStride
            }
            window += lines.windowRowStride
        }
        let place = line * lines.outputLineStride + pixel * lines.outputStride
        finish(sums, vector, place: place, lines.outputStride, activation)
        return pixels
    }

    /// Adds the residual, writes, and applies the activation to what then lies in L1.
    @inline(__always)
    private static func finish(
        _ sums: InlineArray<pixels, Lanes>, _ vector: GroupedVector, place: Int, _ stride: Int,
        _ activation: Activation
    ) {
        let output = vector.output + place
        // The usual case, without its questions for each pixel.
        if vector.count == laneCount && vector.residual == nil && activation == .none {
            for pixel in 0..<pixels { store(sums[pixel], output + pixel * stride) }
            return
        }
        let apply = activation == .relu ? Float(0) : -.infinity
        for pixel in 0..<pixels {
            var value = sums[pixel]
            if let residual = vector.residual {
                value = value + loadAny(residual + place + pixel * stride, vector.count)
            }
            storeAny(larger(value, apply), output + pixel * stride, vector.count)
        }
        if activation != .none && activation != .relu {
            activateRows(output, stride, Input(output), stride, activation, rows: pixels, columns: vector.count)
        }
    }
}

#endif
