// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

// Lanes along the channels, a block of them after the other. Two or four taps are multiplied together, for a few pixels at a time:
// their filters are read once.

func depthwise(_ call: Int8DepthwiseCall) {
    for channel in stride(from: 0, to: call.channels, by: blockLength) {
        let count = min(blockLength, call.channels - channel)
        if count == blockLength {
            strip(call, channel, blockLength)
        } else {
            strip(call, channel, count)
        }
    }
    if !Table.standsInRegisters, case .bytes(let target) = call.output, let table = call.requantization.table {
        lookUp(target, target, table, call.pixels * call.channels)
    }
}

/// A block's channels of all pixels.
@inline(__always)
private func strip(_ call: Int8DepthwiseCall, _ channel: Int, _ count: Int) {
    let factors = BlockFactors(call.requantization, column: channel)
    var pixel = 0
    while pixel + Blocking.pixels <= call.pixels {
        if Blocking.pixels == 4 {
            Pixels<4>.compute(call, factors, pixel, channel, count)
        } else {
            Pixels<2>.compute(call, factors, pixel, channel, count)
        }
        pixel += Blocking.pixels
    }
    while pixel < call.pixels {
        Pixels<1>.compute(call, factors, pixel, channel, count)
        pixel += 1
    }
}

private enum Pixels<let pixels: Int> {
    @inline(__always)
    static func compute(
        _ call: Int8DepthwiseCall, _ factors: BlockFactors, _ pixel: Int, _ channel: Int, _ count: Int
    ) {
        var sums = InlineArray<pixels, InlineArray<4, Words>>(repeating: InlineArray(repeating: all(Int32(0))))
        let last = call.tapCount - 1
        let start = pixel * call.pixelStride + channel
        var packed = call.packed + channel * ((call.tapCount + depthsInWord - 1) / depthsInWord)
        for tap in stride(from: 0, to: call.tapCount, by: depthsInWord) {
            // The last stands for those beyond it, whose weights are zero.
            let first = call.taps[tap] + start
            let second = call.taps[min(tap + 1, last)] + start
            let third = call.taps[min(tap + 2, last)] + start
            let fourth = call.taps[min(tap + 3, last)] + start
            for index in 0..<pixels {
                let place = index * call.pixelStride
                let block = Block.taps(
                    bytes(first + place, count), bytes(second + place, count), bytes(third + place, count),
                    bytes(fourth + place, count))
                for vector in 0..<4 {
                    sums[index][vector] = dot(
                        sums[index][vector], block.words[vector], load(packed + vector * laneCount))
                }
            }
            packed += blockLength
        }
        for index in 0..<pixels {
            let row = pixel + index
            for vector in 0..<4 { sums[index][vector] = add(sums[index][vector], factors.bias[vector]) }
            call.requantization.write(
                sums[index], factors, to: call.output, row * call.channels + channel,
                residual: row * call.requantization.residualStride + channel, count)
        }
    }
}

#endif
