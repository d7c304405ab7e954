// SPDX-License-Identifier: MIT

/// Winograd's fast convolution for 3x3 windows at stride 1: 4x4 outputs at a time by 36 multiplications a channel, not 144.
///
/// The contracts of ``KernelTable`` hold, but for one: a NaN or an infinity reaches all outputs of the 4x4 tiles whose windows
/// meet it, as NaN. Sums are rounded in another order, so that errors are a few times larger than a direct sum's.
///
/// - Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", F(4x4, 3x3).
public struct WinogradKernels: Sendable {
    /// Height and width of a tile of outputs.
    public static let tileSize = 4

    /// Number of Floats that the transformed weights of `n` filters over `channels` channels take.
    public let packedCount: @Sendable (_ n: Int, _ channels: Int) -> Int

    /// Transforms and packs weights [n, 3, 3, channels].
    public let pack: @Sendable (_ packed: Output, _ weight: Input, _ n: Int, _ channels: Int) -> Void

    /// Number of Floats of scratch that `convolve` needs.
    public let scratchCount: @Sendable (_ geometry: WindowGeometry, _ n: Int) -> Int

    /// output [outputHeight, outputWidth, n] = activation(convolution + bias[n] + residual, which has the output's shape).
    ///
    /// Writes the output rows of tile rows `firstTileRow ..< firstTileRow + tileRowCount`, four rows each.
    public let convolve:
        @Sendable (
            _ output: Output, _ input: Input, _ packed: Input, _ bias: Input?, _ residual: Input?,
            _ activation: Activation, _ geometry: WindowGeometry, _ n: Int, _ firstTileRow: Int, _ tileRowCount: Int,
            _ scratch: Output
        ) -> Void

    /// Gathers the kernels of one level.
    public init(
        packedCount: @escaping @Sendable (Int, Int) -> Int,
        pack: @escaping @Sendable (Output, Input, Int, Int) -> Void,
        scratchCount: @escaping @Sendable (WindowGeometry, Int) -> Int,
        convolve:
            @escaping @Sendable (
                Output, Input, Input, Input?, Input?, Activation, WindowGeometry, Int, Int, Int, Output
            ) -> Void
    ) {
        self.packedCount = packedCount
        self.pack = pack
        self.scratchCount = scratchCount
        self.convolve = convolve
    }
}

extension WindowGeometry {
    /// Whether Winograd's algorithm can do a convolution with this window.
    public var suitsWinograd: Bool {
        kernelHeight == 3 && kernelWidth == 3 && strideHeight == 1 && strideWidth == 1 && dilationHeight == 1
            && dilationWidth == 1
    }

    /// Rows of tiles that cover the output.
    public var winogradTileRows: Int { (outputHeight + WinogradKernels.tileSize - 1) / WinogradKernels.tileSize }

    /// Tiles in one row.
    public var winogradTileColumns: Int { (outputWidth + WinogradKernels.tileSize - 1) / WinogradKernels.tileSize }
}
