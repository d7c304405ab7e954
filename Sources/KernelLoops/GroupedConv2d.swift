// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

// output [lines, pixels, channels], lanes along the channels, of several groups each: each lane picks its group's inputs
//
// Loop order: vectors of channels; the lines; blocks of pixels whose sums stay in registers over the whole window.

func convolveGroups(_ call: WindowsCall) {
    let lines = call.lines
    let (inputs, outputs) = (lines.tapLength, lines.outChannels / call.groups)
    // Of the next output channel: its group, and how many of the group's are before it.
    var (group, outputsBefore) = (0, 0)
    for channel in stride(from: 0, to: lines.outChannels, by: laneCount) {
        let count = min(laneCount, lines.outChannels - channel)
        let firstGroup = group
        var places = Blocking.LaneIntegers(repeating: 0)
        var span = 0
        for lane in 0..<count {
            places[lane] = Int32(truncatingIfNeeded: (group - firstGroup) * inputs)
            span = (group - firstGroup + 1) * inputs
            outputsBefore += 1
            if outputsBefore == outputs { (group, outputsBefore) = (group + 1, 0) }
        }
        let vector = GroupedVector(
            output: call.output + channel, input: call.input + firstGroup * inputs,
            packed: call.packed + channel * lines.depth,
            epilogue: call.epilogue.advanced(columns: channel, residual: channel), count: count,
            places: unsafeBitCast(places, to: IntLanes.self), span: span)
        if span <= laneCount {
            vector.convolve(lines, isWide: false)
        } else {
            vector.convolve(lines, isWide: true)
        }
    }
}

/// One vector of output channels.
private struct GroupedVector {
    let output: Output
    /// The first value that the channels read of the first line's first window.
    let input: Input
    let packed: Input
    let epilogue: Epilogue
    /// Channels in the vector.
    let count: Int
    /// Where each channel's first input stands in a pixel, and how many values they span.
    let places: IntLanes
    let span: Int

    /// - Parameter isWide: Whether the channels read more values than a vector holds.
    @inline(__always)
    func convolve(_ lines: ConvolutionLines, isWide: Bool) {
        for line in 0..<lines.lineCount {
            var pixel = 0
            while pixel < lines.linePixels {
                switch lines.linePixels - pixel {
                case 8... where Blocking.groupedPixels == 8:
                    pixel += GroupedBlock<8>.compute(self, line, pixel, lines, isWide)
                case 4... where Blocking.groupedPixels == 4:
                    pixel += GroupedBlock<4>.compute(self, line, pixel, lines, isWide)
                case 3...: pixel += GroupedBlock<3>.compute(self, line, pixel, lines, isWide)
                default: pixel += GroupedBlock<1>.compute(self, line, pixel, lines, isWide)
                }
            }
        }
    }
}

/// Some pixels, whose sums stay in registers.
private enum GroupedBlock<let pixels: Int> {
    @inline(__always)
    static func compute(
        _ vector: GroupedVector, _ line: Int, _ pixel: Int, _ lines: ConvolutionLines, _ isWide: Bool
    ) -> Int {
        var sums = InlineArray<pixels, Lanes>(repeating: all(0))
        if let bias = vector.epilogue.bias {
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
        vector.epilogue.advanced(residual: place).write(
            InlineArray<1, InlineArray<pixels, Lanes>>(repeating: sums), to: vector.output + place,
            stride: lines.outputStride, residualStride: lines.outputStride, columns: vector.count)
        return pixels
    }
}

#endif
