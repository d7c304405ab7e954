// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

// Lanes along the channels. Two taps are multiplied together, for a few pixels at a time: their filters are read once.

func depthwise(_ call: Int8DepthwiseCall) {
    let pairs = (call.tapCount + 1) / 2
    var pixel = 0
    while pixel < call.pixels {
        let left = call.pixels - pixel
        var channel = 0
        while channel < call.channels {
            let count = min(laneCount, call.channels - channel)
            let packed = call.packed + channel * pairs
            if left >= 4 {
                Pixels<4>.compute(call, packed, pixel, channel, count)
            } else {
                for index in 0..<left { Pixels<1>.compute(call, packed, pixel + index, channel, count) }
            }
            channel += laneCount
        }
        pixel += left >= 4 ? 4 : left
    }
}

private enum Pixels<let pixels: Int> {
    @inline(__always)
    static func compute(
        _ call: Int8DepthwiseCall, _ packed: UnsafePointer<Int32>, _ pixel: Int, _ channel: Int, _ count: Int
    ) {
        var sums = InlineArray<pixels, Words>(repeating: all(Int32(0)))
        let taps = call.taps + pixel * call.tapCount
        var packed = packed
        for tap in stride(from: 0, to: call.tapCount, by: 2) {
            // The last of an odd number stands for its own pair, whose weight is zero.
            let other = min(tap + 1, call.tapCount - 1)
            let weights = load(packed)
            for index in 0..<pixels {
                let first = taps[index * call.tapCount + tap] + channel
                let second = taps[index * call.tapCount + other] + channel
                let pair = count == laneCount ? pairs(first, second) : Partial.pairs(first, second, count: count)
                sums[index] = dotPairs(sums[index], pair, weights)
            }
            packed += laneCount
        }
        let factors = ColumnFactors(call.requantization, column: channel)
        for index in 0..<pixels {
            let row = pixel + index
            call.requantization.write(
                sums[index], factors, to: call.output, row * call.channels + channel,
                residual: row * call.requantization.residualStride + channel, count)
        }
    }
}

#endif
