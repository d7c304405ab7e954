// SPDX-License-Identifier: MIT

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

/// Rows of matrices made into fewer values, or brought to a common scale. A row's bits do not depend on the other rows.
public struct ReduceKernels: Sendable {
    /// output[c] = scale * Σ over rows of input[r, c], rows added in ascending order.
    public let sumRows:
        @Sendable (_ output: Output, _ input: Input, _ scale: Float, _ rows: Int, _ channels: Int) -> Void

    /// output[r] = reduction of input[r, 0 ..< columns].
    public let rows:
        @Sendable (_ output: Output, _ input: Input, _ reduction: RowReduction, _ rows: Int, _ columns: Int) -> Void

    /// output[r, c] = (input[r, c] - mean of r) / sqrt(variance of r + epsilon) * scale[c] + shift[c]. Works in place.
    public let normalize:
        @Sendable (
            _ output: Output, _ input: Input, _ scale: Input?, _ shift: Input?, _ epsilon: Float, _ rows: Int,
            _ columns: Int
        ) -> Void

    /// Softmax of each row. Works in place.
    public let softmax: @Sendable (_ output: Output, _ input: Input, _ rows: Int, _ columns: Int) -> Void

    /// Logarithm of the softmax of each row. Works in place.
    public let logSoftmax: @Sendable (_ output: Output, _ input: Input, _ rows: Int, _ columns: Int) -> Void

    /// Gathers the kernels of one level.
    public init(
        sumRows: @escaping @Sendable (Output, Input, Float, Int, Int) -> Void,
        rows: @escaping @Sendable (Output, Input, RowReduction, Int, Int) -> Void,
        normalize: @escaping @Sendable (Output, Input, Input?, Input?, Float, Int, Int) -> Void,
        softmax: @escaping @Sendable (Output, Input, Int, Int) -> Void,
        logSoftmax: @escaping @Sendable (Output, Input, Int, Int) -> Void
    ) {
        self.sumRows = sumRows
        self.rows = rows
        self.normalize = normalize
        self.softmax = softmax
        self.logSoftmax = logSoftmax
    }
}
