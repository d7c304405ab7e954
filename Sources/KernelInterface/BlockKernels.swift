// SPDX-License-Identifier: MIT

/// What stands before and after a product of matrices that a library does: on blocks of rows and columns that lie in a cache.
///
/// The contracts of ``KernelTable`` hold.
public struct BlockKernels: Sendable {
    /// output[r, c] = bias[c] + residual[r, c], zeros in the place of those that are nil: what a product is added to.
    ///
    /// `outputStride` and `residualStride` are the distances of rows. `residual` may be `output` itself.
    public let begin:
        @Sendable (
            _ output: Output, _ outputStride: Int, _ bias: Input?, _ residual: Input?, _ residualStride: Int,
            _ rows: Int, _ columns: Int
        ) -> Void

    /// output[r, c] = activation(output[r, c]), rows at a distance of `outputStride`.
    public let activate:
        @Sendable (_ output: Output, _ outputStride: Int, _ activation: Activation, _ rows: Int, _ columns: Int) -> Void

    /// output[r, c] = input[r, c] * scale[r]: the weights of a product whose input's channels are to be multiplied by factors.
    public let scaleRows:
        @Sendable (_ output: Output, _ input: Input, _ scale: Input, _ rows: Int, _ columns: Int) -> Void

    /// Copies each window of some output lines behind the other (im2col): output [lines, outputWidth, kernelHeight, kernelWidth,
    /// channelCount], with zeros where a window reaches beyond the image.
    ///
    /// Takes channels `firstChannel ..< firstChannel + channelCount` (a group of a convolution), and the windows of output
    /// lines `firstLine ..< firstLine + lineCount`.
    public let copyWindows:
        @Sendable (
            _ output: Output, _ input: Input, _ geometry: WindowGeometry, _ firstChannel: Int, _ channelCount: Int,
            _ firstLine: Int, _ lineCount: Int
        ) -> Void

    /// Gathers the kernels of one level.
    public init(
        begin: @escaping @Sendable (Output, Int, Input?, Input?, Int, Int, Int) -> Void,
        activate: @escaping @Sendable (Output, Int, Activation, Int, Int) -> Void,
        scaleRows: @escaping @Sendable (Output, Input, Input, Int, Int) -> Void,
        copyWindows: @escaping @Sendable (Output, Input, WindowGeometry, Int, Int, Int, Int) -> Void
    ) {
        self.begin = begin
        self.activate = activate
        self.scaleRows = scaleRows
        self.copyWindows = copyWindows
    }
}
