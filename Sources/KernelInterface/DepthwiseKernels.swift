// SPDX-License-Identifier: MIT

/// Some rows of a depthwise convolution of the geometry's channels: one filter per channel.
public struct DepthwiseCall {
    /// Where row 0's first pixel stands, or would stand.
    public var output: Output
    /// The distance of pixels: the channels may be some of an image's.
    public var outputStride: Int
    /// Where the sum over x of each row's activated outputs goes, [outputHeight, outputStride], if it is wanted: for the mean that
    /// squeeze-and-excitation takes.
    public var rowSums: Output?
    /// The input's row 0.
    public var input: Input
    /// The distance of its pixels.
    public var inputStride: Int
    /// The filters as a matrix [channels, kernelHeight * kernelWidth], packed by `GemmKernels.pack`, padded.
    public var packed: Input
    /// There is no residual.
    public var epilogue: Epilogue
    /// Sizes, of the channels to convolve.
    public var geometry: WindowGeometry
    /// The output's rows to write.
    public var rows: Range<Int>

    /// Describes some rows.
    @inlinable
    public init(
        output: Output, outputStride: Int, rowSums: Output? = nil, input: Input, inputStride: Int, packed: Input,
        epilogue: Epilogue = Epilogue(), geometry: WindowGeometry, rows: Range<Int>
    ) {
        self.output = output
        self.outputStride = outputStride
        self.rowSums = rowSums
        self.input = input
        self.inputStride = inputStride
        self.packed = packed
        self.epilogue = epilogue
        self.geometry = geometry
        self.rows = rows
    }
}

/// Convolutions with one filter per channel, of whole images.
public struct DepthwiseKernels: Sendable {
    /// Writes some rows.
    public let convolve: @Sendable (_ call: DepthwiseCall) -> Void

    /// Gathers the kernels of one level.
    public init(convolve: @escaping @Sendable (DepthwiseCall) -> Void) { self.convolve = convolve }
}
