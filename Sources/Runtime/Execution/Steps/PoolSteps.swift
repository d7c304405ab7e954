// SPDX-License-Identifier: MIT

import Kernels

/// The largest value of each window.
struct MaxPoolStep: Step {
    let output: Slot
    let input: Slot
    let geometry: WindowGeometry

    func run(_ run: StepRun) {
        let rows = run.share(of: geometry.outputHeight)
        guard !rows.isEmpty else { return }
        run.kernels.pool.max(run.write(output), run.read(input), geometry, rows)
    }
}

/// The mean of each window.
struct AvgPoolStep: Step {
    let output: Slot
    let input: Slot
    let geometry: WindowGeometry
    let countIncludePad: Bool

    func run(_ run: StepRun) {
        let rows = run.share(of: geometry.outputHeight)
        guard !rows.isEmpty else { return }
        run.kernels.pool.average(run.write(output), run.read(input), geometry, countIncludePad, rows)
    }
}

/// The means of PyTorch's adaptive windows. Small: one worker does it.
struct AdaptiveAvgPoolStep: Step {
    let output: Slot
    let input: Slot
    let geometry: WindowGeometry

    func run(_ run: StepRun) {
        guard run.part == 0 else { return }
        run.kernels.pool.adaptiveAverage(run.write(output), run.read(input), geometry)
    }
}

/// The mean of an image, from the sums of its rows if the step before wrote them. Tiny: one worker does it.
struct MeanStep: Step {
    let output: Slot
    /// Pixels, or sums of rows.
    let input: Slot
    let rows: Int
    let channels: Int
    /// What the sum is divided by.
    let pixels: Int

    func run(_ run: StepRun) {
        guard run.part == 0 else { return }
        run.kernels.reduce.sumRows(run.write(output), run.read(input), 1 / Float(pixels), rows, channels)
    }
}
