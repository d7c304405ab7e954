// SPDX-License-Identifier: MIT

/// A function of two values.
public enum BinaryFunction: UInt8, Sendable, CaseIterable {
    case add
    case subtract
    case multiply
    case divide
    /// NaN on either side stays.
    case minimum
    case maximum
}

/// One side of a function of two runs of values.
public struct RunOperand {
    /// The first value.
    public var values: Input
    /// 1, or 0 where the first value is broadcast along the run.
    public var step: Int

    /// Describes a side.
    @inlinable
    public init(_ values: Input, step: Int = 1) {
        self.values = values
        self.step = step
    }
}

/// Functions of each value, or of two: of runs of values, and of matrices' rows and columns.
public struct ElementwiseKernels: Sendable {
    /// output[i] = activation(input[i]). Works in place.
    public let activate: @Sendable (_ output: Output, _ input: Input, _ activation: Activation, _ count: Int) -> Void

    /// output[r, c] = activation(output[r, c]), rows at a distance of `outputStride`.
    public let activateRows:
        @Sendable (_ output: Output, _ outputStride: Int, _ activation: Activation, _ rows: Int, _ columns: Int) -> Void

    /// output[r, c] = bias[c] + residual[r, c], zeros in the place of those that the epilogue has not: what a library's product is
    /// added to, before its activation. Rows are `outputStride` apart, the residual's too.
    public let beginRows:
        @Sendable (_ output: Output, _ outputStride: Int, _ epilogue: Epilogue, _ rows: Int, _ columns: Int) -> Void

    /// output[i] = activation(a[i] + b[i]). Works in place.
    public let add: @Sendable (_ output: Output, _ a: Input, _ b: Input, _ activation: Activation, _ count: Int) -> Void

    /// output[i] = function(a[i], b[i]). Works in place on either side that is not broadcast.
    public let combine:
        @Sendable (_ output: Output, _ a: RunOperand, _ b: RunOperand, _ function: BinaryFunction, _ count: Int) -> Void

    /// output[i] = min(max(input[i], low), high), and where that is below zero times `slope`: Clip, LeakyRelu. Works in place.
    public let clamp:
        @Sendable (_ output: Output, _ input: Input, _ low: Float, _ high: Float, _ slope: Float, _ count: Int) -> Void

    /// output[r, c] = activation(input[r, c] * scale[c] + shift[c]). Works in place. (Batch norm that stands alone.)
    public let affine:
        @Sendable (
            _ output: Output, _ input: Input, _ scale: Input, _ shift: Input, _ activation: Activation,
            _ rows: Int, _ channels: Int
        ) -> Void

    /// output[r, c] = input[r, c] * scale[c]. Works in place. (The excitation of squeeze-and-excitation.)
    public let scaleColumns:
        @Sendable (_ output: Output, _ input: Input, _ scale: Input, _ rows: Int, _ columns: Int) -> Void

    /// output[r, c] = input[r, c] * scale[r]: the weights of a product whose input's channels are to be multiplied by factors.
    public let scaleRows:
        @Sendable (_ output: Output, _ input: Input, _ scale: Input, _ rows: Int, _ columns: Int) -> Void

    /// Gathers the kernels of one level.
    public init(
        activate: @escaping @Sendable (Output, Input, Activation, Int) -> Void,
        activateRows: @escaping @Sendable (Output, Int, Activation, Int, Int) -> Void,
        beginRows: @escaping @Sendable (Output, Int, Epilogue, Int, Int) -> Void,
        add: @escaping @Sendable (Output, Input, Input, Activation, Int) -> Void,
        combine: @escaping @Sendable (Output, RunOperand, RunOperand, BinaryFunction, Int) -> Void,
        clamp: @escaping @Sendable (Output, Input, Float, Float, Float, Int) -> Void,
        affine: @escaping @Sendable (Output, Input, Input, Input, Activation, Int, Int) -> Void,
        scaleColumns: @escaping @Sendable (Output, Input, Input, Int, Int) -> Void,
        scaleRows: @escaping @Sendable (Output, Input, Input, Int, Int) -> Void
    ) {
        self.activate = activate
        self.activateRows = activateRows
        self.beginRows = beginRows
        self.add = add
        self.combine = combine
        self.clamp = clamp
        self.affine = affine
        self.scaleColumns = scaleColumns
        self.scaleRows = scaleRows
    }
}
