// SPDX-License-Identifier: MIT

import Kernels

/// A convolution with one filter per channel.
struct DepthwiseStep: Step {
    let output: Slot
    /// Where the sums of each row go, if a mean of the output is wanted: [outputHeight, channels].
    let rowSums: Slot?
    let input: Slot
    let weight: Int
    let bias: Int?
    let activation: Activation
    let geometry: WindowGeometry

    func run(_ run: StepRun) {
        self.run(run, rows: run.share(of: geometry.outputHeight), input: run.read(input))
    }

    /// Writes some rows.
    ///
    /// - Parameter input: Where the image's first row stands, or would stand: rows that no window meets are not read.
    func run(_ run: StepRun, rows: Range<Int>, input: Input) {
        guard !rows.isEmpty else { return }
        run.kernels.depthwiseConv2d(
            run.write(output), rowSums.map { run.write($0) }, input, run.weights + weight,
            bias.map { run.weights + $0 }, activation, geometry, rows.lowerBound, rows.count)
    }
}
