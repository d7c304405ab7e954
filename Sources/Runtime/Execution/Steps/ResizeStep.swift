// SPDX-License-Identifier: MIT

import Kernels

/// An NHWC image enlarged or made smaller: each output row and column is a mixture of two of the input's.
struct ResizeStep: Step {
    /// Along one axis: for each output place two input places, and the share of the second.
    struct Axis: Sendable {
        var first: [Int]
        var second: [Int]
        var share: [Float]
    }

    let output: Slot
    let input: Slot
    let channels: Int
    let inputWidth: Int
    let vertical: Axis
    let horizontal: Axis

    func run(_ run: StepRun) {
        let width = horizontal.first.count
        let source = run.read(input)
        for y in run.share(of: vertical.first.count) {
            let (top, bottom) = (
                source + vertical.first[y] * inputWidth * channels, source + vertical.second[y] * inputWidth * channels
            )
            let down = vertical.share[y]
            for x in 0..<width {
                let target = run.write(output) + (y * width + x) * channels
                let (left, right) = (horizontal.first[x] * channels, horizontal.second[x] * channels)
                let across = horizontal.share[x]
                if down == 0 && across == 0 {
                    target.update(from: top + left, count: channels)
                    continue
                }
                let (a, b) = ((1 - down) * (1 - across), (1 - down) * across)
                let (c, d) = (down * (1 - across), down * across)
                for channel in 0..<channels {
                    target[channel] =
                        a * top[left + channel] + b * top[right + channel] + c * bottom[left + channel] + d
                        * bottom[right + channel]
                }
            }
        }
    }
}
