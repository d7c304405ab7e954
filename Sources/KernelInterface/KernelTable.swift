// SPDX-License-Identifier: MIT

/// Pointer to values that a kernel reads.
public typealias Input = UnsafePointer<Float>
/// Pointer to values that a kernel writes.
public typealias Output = UnsafeMutablePointer<Float>

/// The kernels of one instruction set, as functions over pointers and counts.
///
/// Contracts that hold for every kernel:
/// - Images are channels-last; "rows" of a matrix are pixels or batch entries, its columns channels.
/// - Nothing is allocated, thrown or locked; scratch comes from the caller; counts may be zero.
/// - Pointers need the alignment of a Float alone; buffers do not overlap unless a kernel says that it works in place.
/// - Ranges (`firstRow`, `rowCount`) let several threads share one output; the bits written for a row never depend on
///   the range that it was part of, nor on `m` of a matrix product.
/// - NaN and infinities go through as IEEE 754 says; ReLU of NaN is NaN.
public struct KernelTable: Sendable {
    /// Name of the instruction set: `portable`, `avx2`, `avx512`.
    public let name: String
    /// Whether the kernels were compiled for a processor with vectors wider than every processor of the architecture has.
    public var isVectorLevel: Bool { name != "portable" }
    /// Columns in one panel of a packed matrix.
    public let panelWidth: Int
    /// Rows that a matrix product does at a time: ranges of whole tiles waste nothing.
    public let tileRows: Int

    /// Number of Floats that a packed matrix of `n` columns and depth `k` takes: whole panels, the last padded by zeros.
    public let packedCount: @Sendable (_ n: Int, _ k: Int) -> Int

    /// Packs a weight matrix [n, k] (row-major, as `Linear.weight` and an OHWI convolution are) for `gemm`, or with a padded
    /// last panel for other kernels.
    ///
    /// Panel p holds columns p * panelWidth ..<: for each of the k depths, panelWidth consecutive values.
    public let pack: @Sendable (_ packed: Output, _ weight: Input, _ n: Int, _ k: Int, _ lastPanel: LastPanel) -> Void

    /// output = packed, all weights of depth d times scale[d]: multiplying an input's channels by factors that are known only
    /// when the network runs, without touching the input. Works in place.
    public let scalePacked:
        @Sendable (
            _ output: Output, _ packed: Input, _ scale: Input, _ n: Int, _ k: Int, _ lastPanel: LastPanel
        ) -> Void

    /// output[m, n] = activation(input[m, k] · packed[k, n] + bias[n] + residual[m, n]).
    ///
    /// Each output is one chain of k multiply-adds in ascending order, whatever m and n (in a paired last panel two chains,
    /// of even and of odd depths): rows and columns may be split at will (columns at multiples of `panelWidth`, by advancing
    /// `packed` by `k * panelWidth` a panel; all but the last of the parts have padded panels).
    /// `outputStride`, `inputStride`, `residualStride` are the distances of rows. `residual` may be `output` itself.
    /// `following` are weights that are read soon after these: they may be brought nearer meanwhile.
    public let gemm:
        @Sendable (
            _ output: Output, _ outputStride: Int, _ input: Input, _ inputStride: Int, _ packed: Input,
            _ bias: Input?, _ residual: Input?, _ residualStride: Int, _ activation: Activation,
            _ m: Int, _ n: Int, _ k: Int, _ lastPanel: LastPanel, _ following: UnsafeBufferPointer<Float>?
        ) -> Void

    /// output = activation(windows of the input · packed + bias + residual): a convolution's lines, read from an image that
    /// has its borders around it (`copyPadded`), or needs none. Borders above and below are not read if `lines.rows` tells them.
    ///
    /// `packed` holds the filters as a matrix [outChannels, depth], packed by `pack`, padded; `residual` may be `output` itself. The
    /// order of the additions depends on the window's sizes alone.
    public let convolveLines:
        @Sendable (
            _ output: Output, _ input: Input, _ packed: Input, _ bias: Input?, _ residual: Input?,
            _ activation: Activation, _ lines: ConvolutionLines
        ) -> Void

    /// `convolveLines` for a depthwise convolution: a run is one value, and the other channels' stand beside it. `packed` holds
    /// the filters [outChannels, depth], packed by `pack`, padded.
    public let convolveChannels:
        @Sendable (
            _ output: Output, _ input: Input, _ packed: Input, _ bias: Input?, _ residual: Input?,
            _ activation: Activation, _ lines: ConvolutionLines
        ) -> Void

    /// `convolveLines` for some groups of channels: a run of `tapLength` values is one group's inputs of a pixel, and the other
    /// groups' stand beside it. `packed` holds all filters [outChannels, depth], packed by `pack`, padded.
    ///
    /// The inputs that `panelWidth` channels read of a pixel, from the first of the panel on, are at most `2 * panelWidth`.
    public let convolveGroups:
        @Sendable (
            _ output: Output, _ input: Input, _ packed: Input, _ bias: Input?, _ residual: Input?,
            _ activation: Activation, _ lines: ConvolutionLines, _ groups: Int
        ) -> Void

    /// `convolveLines` for few output channels, whose sums are taken in as many parts as a vector has lanes.
    public let dots: DotKernels

    /// Copies a part of an image with zeros where it reaches beyond the borders: output [rowCount, width, channelCount].
    ///
    /// Takes rows from `firstRow` and columns from `firstColumn` on, which may be negative, and channels
    /// `firstChannel ..< firstChannel + channelCount` (a group of a convolution). Uses the geometry's input size alone.
    public let copyPadded:
        @Sendable (
            _ output: Output, _ input: Input, _ geometry: WindowGeometry, _ firstChannel: Int, _ channelCount: Int,
            _ firstRow: Int, _ rowCount: Int, _ firstColumn: Int, _ width: Int
        ) -> Void

    /// Depthwise convolution of the geometry's channels: one filter per channel; weight is the filters as a matrix
    /// [channels, kernelHeight * kernelWidth], packed by `pack`.
    ///
    /// `outputStride` and `inputStride` are the distances of pixels: the channels may be some of an image's. Writes output
    /// rows `firstRow ..< firstRow + rowCount`. With `rowSums` ([outputHeight, outputStride]), it also writes the sum over x
    /// of each row's activated outputs, for the mean that squeeze-and-excitation takes.
    public let depthwiseConv2d:
        @Sendable (
            _ output: Output, _ outputStride: Int, _ rowSums: Output?, _ input: Input, _ inputStride: Int,
            _ weight: Input, _ bias: Input?, _ activation: Activation, _ geometry: WindowGeometry, _ firstRow: Int,
            _ rowCount: Int
        ) -> Void

    /// Largest value in each window (padding never wins; NaN does). Writes output rows `firstRow ..< firstRow + rowCount`.
    public let maxPool2d:
        @Sendable (_ output: Output, _ input: Input, _ geometry: WindowGeometry, _ firstRow: Int, _ rowCount: Int) ->
            Void

    /// Mean of each window. Divides by the window's area within the padded image if `countIncludePad`, else by the number
    /// of real values in it.
    public let avgPool2d:
        @Sendable (
            _ output: Output, _ input: Input, _ geometry: WindowGeometry, _ countIncludePad: Bool,
            _ firstRow: Int, _ rowCount: Int
        ) -> Void

    /// Means of PyTorch's adaptive windows: output y takes rows floor(y*H/h) ..< ceil((y+1)*H/h). Uses channels,
    /// input and output sizes of the geometry alone.
    public let adaptiveAvgPool2d: @Sendable (_ output: Output, _ input: Input, _ geometry: WindowGeometry) -> Void

    /// output[i] = activation(input[i]). Works in place.
    public let activate: @Sendable (_ output: Output, _ input: Input, _ activation: Activation, _ count: Int) -> Void

    /// output[i] = activation(a[i] + b[i]). Works in place.
    public let add: @Sendable (_ output: Output, _ a: Input, _ b: Input, _ activation: Activation, _ count: Int) -> Void

    /// output[r, c] = activation(input[r, c] * scale[c] + shift[c]). Works in place. (Batch norm that stands alone.)
    public let affine:
        @Sendable (
            _ output: Output, _ input: Input, _ scale: Input, _ shift: Input, _ activation: Activation,
            _ rows: Int, _ channels: Int
        ) -> Void

    /// output[r, c] = input[r, c] * scale[c]. Works in place. (The excitation of squeeze-and-excitation.)
    public let scaleChannels:
        @Sendable (_ output: Output, _ input: Input, _ scale: Input, _ rows: Int, _ channels: Int) -> Void

    /// output[c] = scale * Σ over rows of input[r, c], rows added in ascending order.
    public let sumRows:
        @Sendable (_ output: Output, _ input: Input, _ scale: Float, _ rows: Int, _ channels: Int) -> Void

    /// What works on runs of values and on rows.
    public let rows: RowKernels

    /// Softmax of each row. Works in place.
    public let softmax: @Sendable (_ output: Output, _ input: Input, _ rows: Int, _ columns: Int) -> Void

    /// Logarithm of the softmax of each row. Works in place.
    public let logSoftmax: @Sendable (_ output: Output, _ input: Input, _ rows: Int, _ columns: Int) -> Void

    /// output[j, i] = input[i, j]: an image from channels-first (rows = channels) to channels-last, or back, or some pixels
    /// of it. `outputStride` and `inputStride` are the distances of the matrices' rows.
    public let transpose:
        @Sendable (
            _ output: Output, _ outputStride: Int, _ input: Input, _ inputStride: Int, _ rows: Int, _ columns: Int
        ) -> Void

    /// The fast way to convolve with 3x3 windows.
    public let winograd: WinogradKernels

    /// What stands around products that a library does.
    public let blocks: BlockKernels

    /// Gathers the kernels of one level.
    public init(
        name: String,
        panelWidth: Int,
        tileRows: Int,
        packedCount: @escaping @Sendable (Int, Int) -> Int,
        pack: @escaping @Sendable (Output, Input, Int, Int, LastPanel) -> Void,
        scalePacked: @escaping @Sendable (Output, Input, Input, Int, Int, LastPanel) -> Void,
        gemm:
            @escaping @Sendable (
                Output, Int, Input, Int, Input, Input?, Input?, Int, Activation, Int, Int, Int, LastPanel,
                UnsafeBufferPointer<Float>?
            ) -> Void,
        convolveLines:
            @escaping @Sendable (Output, Input, Input, Input?, Input?, Activation, ConvolutionLines) -> Void,
        convolveChannels:
            @escaping @Sendable (Output, Input, Input, Input?, Input?, Activation, ConvolutionLines) -> Void,
        convolveGroups:
            @escaping @Sendable (Output, Input, Input, Input?, Input?, Activation, ConvolutionLines, Int) -> Void,
        dots: DotKernels,
        copyPadded: @escaping @Sendable (Output, Input, WindowGeometry, Int, Int, Int, Int, Int, Int) -> Void,
        depthwiseConv2d:
            @escaping @Sendable (
                Output, Int, Output?, Input, Int, Input, Input?, Activation, WindowGeometry, Int, Int
            ) -> Void,
        maxPool2d: @escaping @Sendable (Output, Input, WindowGeometry, Int, Int) -> Void,
        avgPool2d: @escaping @Sendable (Output, Input, WindowGeometry, Bool, Int, Int) -> Void,
        adaptiveAvgPool2d: @escaping @Sendable (Output, Input, WindowGeometry) -> Void,
        activate: @escaping @Sendable (Output, Input, Activation, Int) -> Void,
        add: @escaping @Sendable (Output, Input, Input, Activation, Int) -> Void,
        affine: @escaping @Sendable (Output, Input, Input, Input, Activation, Int, Int) -> Void,
        scaleChannels: @escaping @Sendable (Output, Input, Input, Int, Int) -> Void,
        sumRows: @escaping @Sendable (Output, Input, Float, Int, Int) -> Void,
        rows: RowKernels,
        softmax: @escaping @Sendable (Output, Input, Int, Int) -> Void,
        logSoftmax: @escaping @Sendable (Output, Input, Int, Int) -> Void,
        transpose: @escaping @Sendable (Output, Int, Input, Int, Int, Int) -> Void,
        winograd: WinogradKernels,
        blocks: BlockKernels
    ) {
        self.name = name
        self.panelWidth = panelWidth
        self.tileRows = tileRows
        self.packedCount = packedCount
        self.pack = pack
        self.scalePacked = scalePacked
        self.gemm = gemm
        self.convolveLines = convolveLines
        self.convolveChannels = convolveChannels
        self.convolveGroups = convolveGroups
        self.dots = dots
        self.copyPadded = copyPadded
        self.depthwiseConv2d = depthwiseConv2d
        self.maxPool2d = maxPool2d
        self.avgPool2d = avgPool2d
        self.adaptiveAvgPool2d = adaptiveAvgPool2d
        self.activate = activate
        self.add = add
        self.affine = affine
        self.scaleChannels = scaleChannels
        self.sumRows = sumRows
        self.rows = rows
        self.softmax = softmax
        self.logSoftmax = logSoftmax
        self.transpose = transpose
        self.winograd = winograd
        self.blocks = blocks
    }
}

extension KernelTable: CustomStringConvertible {
    /// The level's name.
    public var description: String { name }
}
