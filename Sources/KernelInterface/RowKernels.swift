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

/// What is made of a row's values.
public enum RowReduction: UInt8, Sendable, CaseIterable {
    case sum
    /// Σ x².
    case sumOfSquares
    /// Σ |x|.
    case sumOfMagnitudes
    /// NaN stays.
    case maximum
    case minimum
}

/// Kernels of the families `elementwise` and `reduce` that work on runs of values or on rows of a matrix.
public struct RowKernels: Sendable {
    /// output[i] = function(a[i * aStep], b[i * bStep]) for steps of 0 or 1: a value is broadcast along the run, or is not. Works in
    /// place on either side whose step is 1.
    public let combine:
        @Sendable (
            _ output: Output, _ a: Input, _ aStep: Int, _ b: Input, _ bStep: Int, _ function: BinaryFunction,
            _ count: Int
        ) -> Void

    /// output[r, c] = (input[r, c] - mean of r) / sqrt(variance of r + epsilon) * scale[c] + shift[c]. Works in place.
    public let normalize:
        @Sendable (
            _ output: Output, _ input: Input, _ scale: Input?, _ shift: Input?, _ epsilon: Float, _ rows: Int,
            _ columns: Int
        ) -> Void

    /// output[r] = reduction of input[r, 0 ..< columns]; a row's bits do not depend on the other rows.
    public let reduce:
        @Sendable (_ output: Output, _ input: Input, _ reduction: RowReduction, _ rows: Int, _ columns: Int) -> Void

    /// output[i] = min(max(input[i], low), high), and where that is below zero times `slope`: Clip, LeakyRelu. Works in place.
    public let clamp:
        @Sendable (_ output: Output, _ input: Input, _ low: Float, _ high: Float, _ slope: Float, _ count: Int) -> Void

    /// Gathers the kernels of one level.
    public init(
        combine: @escaping @Sendable (Output, Input, Int, Input, Int, BinaryFunction, Int) -> Void,
        normalize: @escaping @Sendable (Output, Input, Input?, Input?, Float, Int, Int) -> Void,
        reduce: @escaping @Sendable (Output, Input, RowReduction, Int, Int) -> Void,
        clamp: @escaping @Sendable (Output, Input, Float, Float, Float, Int) -> Void
    ) {
        self.combine = combine
        self.normalize = normalize
        self.reduce = reduce
        self.clamp = clamp
    }
}
