// SPDX-License-Identifier: MIT

import Kernels

/// A function of each element; `.none` copies.
struct ActivationStep: Step {
    let output: Slot
    let input: Slot
    let activation: Activation

    func run(_ run: StepRun) {
        let share = run.share(of: input.count * run.rows, granule: 16)
        run.kernels.elementwise.activate(
            run.write(output) + share.lowerBound, run.read(input) + share.lowerBound, activation, share.count)
    }
}

/// The sum of two values, and a function of it.
struct AddStep: Step {
    let output: Slot
    let left: Slot
    let right: Slot
    let activation: Activation

    func run(_ run: StepRun) {
        let share = run.share(of: left.count * run.rows, granule: 16)
        let first = share.lowerBound
        run.kernels.elementwise.add(
            run.write(output) + first, run.read(left) + first, run.read(right) + first, activation, share.count)
    }
}

/// A batch norm that follows no convolution.
struct AffineStep: Step {
    let output: Slot
    let input: Slot
    let scale: Int
    let shift: Int
    let activation: Activation
    let channels: Int

    func run(_ run: StepRun) {
        let share = run.share(of: input.count / channels)
        let first = share.lowerBound * channels
        run.kernels.elementwise.affine(
            run.write(output) + first, run.read(input) + first, run.weights(scale), run.weights(shift), activation,
            share.count, channels)
    }
}

/// Each channel times one number.
struct ScaleChannelsStep: Step {
    let output: Slot
    let input: Slot
    let scale: Slot
    let channels: Int

    func run(_ run: StepRun) {
        let share = run.share(of: input.count / channels)
        let first = share.lowerBound * channels
        run.kernels.elementwise.scaleColumns(
            run.write(output) + first, run.read(input) + first, run.read(scale), share.count, channels)
    }
}

/// Softmax of rows, or its logarithm.
struct SoftmaxStep: Step {
    let output: Slot
    let input: Slot
    /// Values of a row.
    let columns: Int
    let isLogarithm: Bool

    func run(_ run: StepRun) {
        let rows = run.share(of: input.count / columns * run.rows)
        guard !rows.isEmpty else { return }
        let kernel = isLogarithm ? run.kernels.reduce.logSoftmax : run.kernels.reduce.softmax
        let first = rows.lowerBound * columns
        kernel(run.write(output) + first, run.read(input) + first, rows.count, columns)
    }
}
