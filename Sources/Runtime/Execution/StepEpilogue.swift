// SPDX-License-Identifier: MIT

import Kernels

/// What a step adds to its sums, and the function of them.
struct StepEpilogue: Sendable {
    /// Where the biases stand in the prepared weights.
    var bias: Int?
    /// A value of the output's shape.
    var residual: Slot?
    var activation: Activation

    /// The epilogue of a kernel's call.
    ///
    /// - Parameters:
    ///   - column: The first of the call's columns.
    ///   - place: Where its first value stands in the whole output.
    @inline(__always)
    func at(column: Int, place: Int, _ run: StepRun) -> Epilogue {
        Epilogue(
            bias: bias.map { run.weights($0) + column }, residual: residual.map { run.read($0) + place },
            activation: activation)
    }
}
