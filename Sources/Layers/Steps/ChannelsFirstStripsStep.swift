// SPDX-License-Identifier: MIT

import Kernels

/// A convolution whose result the caller wants as channels first, a strip of lines at a time: it is turned while it lies in a
/// cache, and written to memory once.
struct ChannelsFirstStripsStep: Step {
    let output: Slot
    let producer: any PixelStep
    /// Sizes of the result.
    let height: Int
    let width: Int
    let channels: Int

    /// Lines of a strip: as many as fill a fifth of an L2 cache of 1 MB.
    private var stripLines: Int { min(height, max(1, 49152 / (width * channels))) }

    var scratchCount: Int { producer.scratchEnd + stripLines * width * channels }

    func run(_ run: StepRun) {
        let buffer = run.scratch + producer.scratchEnd
        let lines = run.share(of: height)
        for first in stride(from: lines.lowerBound, to: lines.upperBound, by: stripLines) {
            let pixels = first * width..<min(first + stripLines, lines.upperBound) * width
            producer.run(run, pixels: pixels, output: buffer - pixels.lowerBound * channels)
            run.kernels.transpose(
                run.write(output) + pixels.lowerBound, height * width, Input(buffer), channels, pixels.count, channels)
        }
    }
}
