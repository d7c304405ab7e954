// SPDX-License-Identifier: MIT

/// Poolings; they write the output's rows `rows`.
public struct PoolKernels: Sendable {
    /// Largest value in each window (padding never wins; NaN does).
    public let max: @Sendable (_ output: Output, _ input: Input, _ geometry: WindowGeometry, _ rows: Range<Int>) -> Void

    /// Mean of each window. Divides by the window's area within the padded image if `countIncludePad`, else by the number
    /// of real values in it.
    public let average:
        @Sendable (
            _ output: Output, _ input: Input, _ geometry: WindowGeometry, _ countIncludePad: Bool, _ rows: Range<Int>
        ) -> Void

    /// Means of PyTorch's adaptive windows: output y takes rows floor(y*H/h) ..< ceil((y+1)*H/h). Uses channels,
    /// input and output sizes of the geometry only.
    public let adaptiveAverage: @Sendable (_ output: Output, _ input: Input, _ geometry: WindowGeometry) -> Void

    /// Gathers the kernels of one level.
    public init(
        max: @escaping @Sendable (Output, Input, WindowGeometry, Range<Int>) -> Void,
        average: @escaping @Sendable (Output, Input, WindowGeometry, Bool, Range<Int>) -> Void,
        adaptiveAverage: @escaping @Sendable (Output, Input, WindowGeometry) -> Void
    ) {
        self.max = max
        self.average = average
        self.adaptiveAverage = adaptiveAverage
    }
}
