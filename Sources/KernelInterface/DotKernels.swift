// SPDX-License-Identifier: MIT

/// A convolution of few output channels with lanes along the depth: each filter is multiplied with each window value by value,
/// and the lanes are added at the end.
public struct DotKernels: Sendable {
    /// Number of Floats that the filters of `n` channels take, each of `runs` runs of `tapLength` values.
    public let packedCount: @Sendable (_ n: Int, _ runs: Int, _ tapLength: Int) -> Int

    /// Packs filters [n, runs, tapLength] for `convolve`.
    public let pack: @Sendable (_ packed: Output, _ weight: Input, _ n: Int, _ runs: Int, _ tapLength: Int) -> Void

    /// output = activation(windows of the input · packed + bias + residual), for windows of
    /// `windowRows * windowTaps` runs of `tapLength` values. `residual` may be `output` itself.
    ///
    /// An output's additions have one order, whatever is computed beside it: not `gemm`'s.
    public let convolve:
        @Sendable (
            _ output: Output, _ input: Input, _ packed: Input, _ bias: Input?, _ residual: Input?,
            _ activation: Activation, _ lines: ConvolutionLines
        ) -> Void

    /// Gathers the kernels of one level.
    public init(
        packedCount: @escaping @Sendable (Int, Int, Int) -> Int,
        pack: @escaping @Sendable (Output, Input, Int, Int, Int) -> Void,
        convolve: @escaping @Sendable (Output, Input, Input, Input?, Input?, Activation, ConvolutionLines) -> Void
    ) {
        self.packedCount = packedCount
        self.pack = pack
        self.convolve = convolve
    }
}
