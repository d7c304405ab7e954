// SPDX-License-Identifier: MIT

import Kernels

/// A convolution with 3x3 windows at stride 1, in the transformed space of Winograd's algorithm.
struct WinogradStep: Step {
    let output: Slot
    let input: Slot
    let weight: Int
    let epilogue: StepEpilogue
    let geometry: WindowGeometry
    let outChannels: Int
    let scratchByteCount: Int

    func run(_ run: StepRun) {
        let tileRows = run.share(of: geometry.winogradTileRows)
        guard !tileRows.isEmpty else { return }
        run.kernels.winograd.convolve(
            WinogradCall(
                output: run.write(output), outputStride: outChannels, input: run.read(input),
                epilogue: epilogue.at(column: 0, place: 0, run), geometry: geometry, columns: outChannels,
                tileRows: tileRows),
            run.weights(weight), run.scratch)
    }
}
