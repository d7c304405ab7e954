// SPDX-License-Identifier: MIT

import Kernels

/// A convolution with 3x3 windows at stride 1, in the transformed space of Winograd's algorithm.
struct WinogradStep: Step {
    let output: Slot
    let input: Slot
    let residual: Slot?
    let weight: Int
    let bias: Int?
    let activation: Activation
    let geometry: WindowGeometry
    let outChannels: Int
    let scratchCount: Int

    func run(_ run: StepRun) {
        let tileRows = run.share(of: geometry.winogradTileRows)
        guard !tileRows.isEmpty else { return }
        run.kernels.winograd.convolve(
            run.write(output), run.read(input), run.weights + weight, bias.map { run.weights + $0 },
            residual.map { run.read($0) }, activation, geometry, outChannels, tileRows.lowerBound, tileRows.count,
            run.scratch)
    }
}

extension WindowGeometry {
    /// Whether Winograd's algorithm is faster for this convolution: the transformations are paid for by many channels, and
    /// the weights, four times as many numbers to read, by many pixels.
    ///
    /// Measured with Benchmarks/kernels: 3 times faster at 64 channels and 56x56, slower at 512 channels and 7x7.
    func favoursWinograd(outChannels: Int) -> Bool {
        suitsWinograd && channels >= 16 && outChannels >= 16 && winogradTileRows * winogradTileColumns >= 12
    }
}
