// SPDX-License-Identifier: MIT

/// Some rows of tiles of a convolution with 3x3 windows at stride 1, in the transformed space of Winograd's algorithm.
public struct WinogradCall {
    /// Where the first pixel of row 0 stands, or would stand; the residual's places are like the output's.
    public var output: Output
    /// The distance of pixels: the columns may be some of an image's.
    public var outputStride: Int
    /// The input image; for `WinogradKernels.transformOutput` the products [36][tiles][columns] of the call's windows.
    public var input: Input
    /// What becomes of the sums.
    public var epilogue: Epilogue
    /// Sizes of the whole convolution.
    public var geometry: WindowGeometry
    /// Output channels, or those that the output's columns are.
    public var columns: Int
    /// Rows of tiles, four rows of the output each.
    public var tileRows: Range<Int>

    /// Describes some rows of tiles.
    @inlinable
    public init(
        output: Output, outputStride: Int, input: Input, epilogue: Epilogue, geometry: WindowGeometry, columns: Int,
        tileRows: Range<Int>
    ) {
        self.output = output
        self.outputStride = outputStride
        self.input = input
        self.epilogue = epilogue
        self.geometry = geometry
        self.columns = columns
        self.tileRows = tileRows
    }
}

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

    /// The whole convolution of some rows of tiles, of all output channels.
    public let convolve: @Sendable (_ call: WinogradCall, _ packed: Input, _ scratch: Output) -> Void

    /// Transforms weights [n, 3, 3, channels] to matrices [36][channels][n], for products that a library does.
    public let transformFilters: @Sendable (_ output: Output, _ weight: Input, _ n: Int, _ channels: Int) -> Void

    /// The windows of some rows of tiles as the products take them: output [36][tiles][channels].
    public let transformInput:
        @Sendable (_ output: Output, _ input: Input, _ geometry: WindowGeometry, _ tileRows: Range<Int>) -> Void

    /// The products of such windows to the output, with all that follows.
    public let transformOutput: @Sendable (_ call: WinogradCall) -> Void

    /// Gathers the kernels of one level.
    public init(
        packedCount: @escaping @Sendable (Int, Int) -> Int,
        pack: @escaping @Sendable (Output, Input, Int, Int) -> Void,
        scratchCount: @escaping @Sendable (WindowGeometry, Int) -> Int,
        convolve: @escaping @Sendable (WinogradCall, Input, Output) -> Void,
        transformFilters: @escaping @Sendable (Output, Input, Int, Int) -> Void,
        transformInput: @escaping @Sendable (Output, Input, WindowGeometry, Range<Int>) -> Void,
        transformOutput: @escaping @Sendable (WinogradCall) -> Void
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
