// SPDX-License-Identifier: MIT

import Kernels

/// A step that can write some columns of its output by themselves, side by side.
protocol ColumnStep: Step {
    /// Writes some columns of all pixels.
    ///
    /// - Precondition: The columns are whole strips, as ``ChannelStripsStep`` cuts them, and there is no residual.
    func run(_ run: StepRun, columns: Range<Int>, output: Output)
}

/// A 1x1 convolution and the depthwise one that is its only reader, a few channels at a time: their image between the two, a
/// small one, never leaves a cache, and the workers need not wait for each other between the two.
struct ChannelStripsStep: Step {
    let producer: any ColumnStep
    let consumer: DepthwiseStep
    /// Channels of a strip: whole panels of the packed matrices.
    let stripChannels: Int

    private var channels: Int { consumer.geometry.channels }
    private var pixels: Int { consumer.geometry.inputHeight * consumer.geometry.inputWidth }

    var scratchByteCount: Int { pixels * min(stripChannels, channels) * 4 }

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

    /// Channels of a strip whose product is the packed kernel's: an even number of panels, as its tiles take them, that fill half
    /// of L1.
    static func packedChannels(pixels: Int, panelWidth: Int) -> Int {
        max(2, CacheSizes.l1Floats / 2 / (pixels * panelWidth) / 2 * 2) * panelWidth
    }

    /// Channels of a strip whose product is OpenBLAS's, which copies the input for each: as many as fill a quarter of L2, in
    /// strips of like width.
    static func libraryChannels(pixels: Int, channels: Int) -> Int {
        let fitting = max(64, CacheSizes.l2Floats / 4 / pixels / 16 * 16)
        let strips = (channels + fitting - 1) / fitting
        return ((channels + strips - 1) / strips + 15) / 16 * 16
    }

    /// Whether a strip of an image of so many pixels stays in L2 at least.
    static func suits(pixels: Int) -> Bool { pixels <= 1024 }
}
