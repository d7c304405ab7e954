// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

// output [lines, pixels, channels] = activation(windows of the input · filters + bias + residual)
//
// For few channels, which would not fill a panel: lanes along the depth. A window's and a filter's values stand in the same
// order, and each sum is added up over its lanes at the end. Loop order: four channels; the lines; a few pixels, which make
// as many sums as a vector has lanes; the window.

/// Channels done at a time.
private let channelsAtOnce = 4
/// Pixels done at a time.
private let pixelsAtOnce = laneCount / channelsAtOnce

/// Number of Floats that the filters of `n` channels take, each of `runs` runs of `tapLength` values.
func dotsPackedCount(_ n: Int, _ runs: Int, _ tapLength: Int) -> Int {
    let vectors = (tapLength + laneCount - 1) / laneCount
    return (n + channelsAtOnce - 1) / channelsAtOnce * channelsAtOnce * runs * vectors * laneCount
}

/// Packs weight [n, runs, tapLength] into [n / 4][runs][vectors][4][laneCount], zeros where there is none.
func packDots(_ packed: Output, _ weight: Input, _ n: Int, _ runs: Int, _ tapLength: Int) {
    var target = packed
    for first in stride(from: 0, to: n, by: channelsAtOnce) {
        for run in 0..<runs {
            for value in stride(from: 0, to: tapLength, by: laneCount) {
                for channel in first..<first + channelsAtOnce {
                    for lane in value..<value + laneCount {
                        let isThere = channel < n && lane < tapLength
                        target[0] = isThere ? weight[(channel * runs + run) * tapLength + lane] : 0
                        target += 1
                    }
                }
            }
        }
    }
}

func convolveDots(_ call: WindowsCall) {
    let (lines, output, residual) = (call.lines, call.output, call.epilogue.residual)
    let rowFilters = dotsPackedCount(channelsAtOnce, lines.windowTaps, lines.tapLength)
    for channel in stride(from: 0, to: lines.outChannels, by: channelsAtOnce) {
        let count = min(channelsAtOnce, lines.outChannels - channel)
        var start = InlineArray<4, Float>(repeating: 0)
        if let bias = call.epilogue.bias { for index in 0..<count { start[index] = bias[channel + index] } }
        for line in 0..<lines.lineCount {
            let rows = lines.rows.inside(line: line, of: lines.windowRows)
            let firstRow = rows.lowerBound * lines.windowRowStride
            let packed = call.packed + (channel / channelsAtOnce * lines.windowRows + rows.lowerBound) * rowFilters
            for pixel in stride(from: 0, to: lines.linePixels, by: pixelsAtOnce) {
                let sums = dots(
                    call.input + line * lines.inputLineStride + firstRow + pixel * lines.inputStride, packed, lines,
                    rows: rows.count, lastPixel: min(pixelsAtOnce, lines.linePixels - pixel) - 1)
                let place = line * lines.outputLineStride + pixel * lines.outputStride + channel
                for index in 0..<min(pixelsAtOnce, lines.linePixels - pixel) {
                    for other in 0..<count {
                        let target = place + index * lines.outputStride + other
                        let value = sums[index * channelsAtOnce + other] + start[other]
                        output[target] = residual.map { value + $0[target] } ?? value
                    }
                }
            }
        }
    }
    guard call.epilogue.activation != .none else { return }
    for line in 0..<lines.lineCount {
        let place = output + line * lines.outputLineStride
        activateRows(
            place, lines.outputStride, Input(place), lines.outputStride, call.epilogue.activation,
            rows: lines.linePixels, columns: lines.outChannels)
    }
}

/// The products of a few windows with four filters, [pixel][channel].
///
/// - Parameters:
///   - rows: How many of the windows' rows are read.
///   - lastPixel: Pixels behind it are not read; their sums are its own.
@inline(__always)
private func dots(_ input: Input, _ packed: Input, _ lines: ConvolutionLines, rows: Int, lastPixel: Int) -> Lanes {
    var sums = Blocking.Square(repeating: all(0))
    var places = InlineArray<4, Int>(repeating: 0)
    for pixel in 0..<pixelsAtOnce { places[pixel] = min(pixel, lastPixel) * lines.inputStride }
    let (whole, rest) = (lines.tapLength / laneCount * laneCount, lines.tapLength % laneCount)
    var filters = packed
    var window = input
    for _ in 0..<rows {
        var tap = window
        for _ in 0..<lines.windowTaps {
            var value = tap
            let end = tap + whole
            while value < end {
                var values = Blocking.DotPixels(repeating: all(0))
                for pixel in 0..<pixelsAtOnce { values[pixel] = load(value + places[pixel]) }
                add(&sums, values, filters)
                filters += channelsAtOnce * laneCount
                value += laneCount
            }
            if rest > 0 {
                var values = Blocking.DotPixels(repeating: all(0))
                for pixel in 0..<pixelsAtOnce { values[pixel] = load(value + places[pixel], count: rest) }
                add(&sums, values, filters)
                filters += channelsAtOnce * laneCount
            }
            tap += lines.windowTapStride
        }
        window += lines.windowRowStride
    }
    // Each time, half as many vectors hold the sums of half as many lanes.
    var count = laneCount
    for _ in 0..<laneCount.trailingZeroBitCount {
        count /= 2
        for index in 0..<count {
            sums[index] = zipLow(sums[index], sums[index + count]) + zipHigh(sums[index], sums[index + count])
        }
    }
    return sums[0]
}

@inline(__always)
private func add(_ sums: inout Blocking.Square, _ values: Blocking.DotPixels, _ filters: Input) {
    for channel in 0..<channelsAtOnce {
        let factors = load(filters + channel * laneCount)
        for pixel in 0..<pixelsAtOnce {
            let index = pixel * channelsAtOnce + channel
            sums[index] = multiplyAdd(sums[index], values[pixel], factors)
        }
    }
}

#endif
