// SPDX-License-Identifier: MIT

/// Winograd's fast convolution for 3x3 windows at stride 1: 4x4 outputs at a time by 36 multiplications a channel, not 144.
///
/// The contracts of ``KernelTable`` hold, but for one: a NaN or an infinity reaches all outputs of the 4x4 tiles whose windows
/// meet it, as NaN. Sums are rounded in another order, so that errors are a few times larger than a direct sum's.
///
/// - Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", F(4x4, 3x3).
public struct WinogradKernels: Sendable {
    /// Points of the transformed space of a 6x6 window of inputs.
    public static let points = 36
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

    /// Transforms weights [n, 3, 3, channels] to matrices [36][channels][n], for products that a library does.
    public let transformFilters: @Sendable (_ output: Output, _ weight: Input, _ n: Int, _ channels: Int) -> Void

    /// The windows of tile rows `firstTileRow ..< firstTileRow + tileRowCount` as the products take them: output
    /// [36][tiles][channels].
    public let transformInput:
        @Sendable (
            _ output: Output, _ input: Input, _ geometry: WindowGeometry, _ firstTileRow: Int, _ tileRowCount: Int
        ) -> Void

    /// Products [36][tiles][columns] of such windows to some columns of `convolve`'s output, residual and biases, whose first
    /// column the addresses are; `outputStride` is the distance of pixels.
    public let transformOutput:
        @Sendable (
            _ output: Output, _ outputStride: Int, _ products: Input, _ bias: Input?, _ residual: Input?,
            _ activation: Activation, _ geometry: WindowGeometry, _ columns: Int, _ firstTileRow: Int,
            _ tileRowCount: Int
        ) -> Void

    /// Gathers the kernels of one level.
    public init(
        packedCount: @escaping @Sendable (Int, Int) -> Int,
        pack: @escaping @Sendable (Output, Input, Int, Int) -> Void,
        scratchCount: @escaping @Sendable (WindowGeometry, Int) -> Int,
        convolve:
            @escaping @Sendable (
                Output, Input, Input, Input?, Input?, Activation, WindowGeometry, Int, Int, Int, Output
            ) -> Void,
        transformFilters: @escaping @Sendable (Output, Input, Int, Int) -> Void,
        transformInput: @escaping @Sendable (Output, Input, WindowGeometry, Int, Int) -> Void,
        transformOutput:
            @escaping @Sendable (
                Output, Int, Input, Input?, Input?, Activation, WindowGeometry, Int, Int, Int
            ) -> Void
    ) {
        self.packedCount = packedCount
        self.pack = pack
        self.scratchCount = scratchCount
        self.convolve = convolve
        self.transformFilters = transformFilters
        self.transformInput = transformInput
        self.transformOutput = transformOutput
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
