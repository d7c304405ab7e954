// SPDX-License-Identifier: MIT

import Kernels

/// A convolution of any shape: windows gathered into a matrix, a strip of pixels at a time, then multiplied.
struct ConvolutionStep: Step {
    let output: Slot
    let input: Slot
    let residual: Slot?
    /// Offsets in the prepared weights: of the groups' packed matrices one after the other, and of the biases.
    let weight: Int
    let bias: Int?
    let activation: Activation
    let geometry: WindowGeometry
    let groups: Int
    let outChannels: Int
    /// Floats of one group's packed matrix.
    let packedCount: Int

    private var groupInputs: Int { geometry.channels / groups }
    private var groupOutputs: Int { outChannels / groups }
    private var depth: Int { geometry.kernelHeight * geometry.kernelWidth * groupInputs }

    /// Pixels gathered at a time: as many as keep the strip at about 64 KB, in L2 beside the weights.
    private var stripPixels: Int { max(24, min(1024, 16384 / depth / 8 * 8)) }

    var scratchCount: Int { stripPixels * depth }

    func run(_ run: StepRun) {
        let pixels = geometry.outputHeight * geometry.outputWidth
        let share = run.share(of: pixels, granule: 8)
        for group in 0..<groups {
            for first in stride(from: share.lowerBound, to: share.upperBound, by: stripPixels) {
                let count = min(stripPixels, share.upperBound - first)
                strip(run, group: group, firstPixel: first, count: count)
            }
        }
    }

    private func strip(_ run: StepRun, group: Int, firstPixel: Int, count: Int) {
        run.kernels.im2col(
            run.scratch, run.read(input), geometry, group * groupInputs, groupInputs, firstPixel, count)
        let column = group * groupOutputs
        let place = firstPixel * outChannels + column
        run.kernels.gemm(
            run.write(output) + place, outChannels, Input(run.scratch), depth,
            run.weights + weight + group * packedCount,
            bias.map { run.weights + $0 + column },
            residual.map { run.read($0) + place }, outChannels,
            activation, count, groupOutputs, depth)
    }
}
