// SPDX-License-Identifier: MIT

import Kernels

/// A 1x1 convolution and the depthwise one that alone reads it, a few channels at a time: their image between the two, a
/// small one, never leaves L1, and the workers need not wait for each other between the two.
struct ChannelStripsStep: Step {
    let producer: GemmStep
    let consumer: DepthwiseStep
    /// Channels in a panel of the packed matrices.
    let panelWidth: Int

    private var channels: Int { consumer.geometry.channels }

    /// Channels of a strip: an even number of panels, as the tiles of a matrix product take them, that fill half of an L1
    /// cache of 48 KB.
    private var stripChannels: Int { max(2, 6144 / (producer.pixels * panelWidth) / 2 * 2) * panelWidth }

    var scratchCount: Int { producer.pixels * min(stripChannels, channels) }

    func run(_ run: StepRun) {
        let share = run.share(of: channels, granule: stripChannels)
        for first in stride(from: share.lowerBound, to: share.upperBound, by: stripChannels) {
            let strip = first..<min(first + stripChannels, share.upperBound)
            producer.run(run, columns: strip, output: run.scratch)
            consumer.run(
                run, rows: 0..<consumer.geometry.outputHeight, channels: strip, input: Input(run.scratch),
                inputStride: strip.count)
        }
    }

    /// Whether a strip of an image of so many pixels stays in L2 at least.
    static func suits(pixels: Int) -> Bool { pixels <= 1024 }
}
