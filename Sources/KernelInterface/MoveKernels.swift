// SPDX-License-Identifier: MIT

/// The same values at other places.
public struct MoveKernels: Sendable {
    /// output[j, i] = input[i, j]: an image from channels-first (rows = channels) to channels-last, or back, or some pixels
    /// of it. `outputStride` and `inputStride` are the distances of the matrices' rows.
    public let transpose:
        @Sendable (
            _ output: Output, _ outputStride: Int, _ input: Input, _ inputStride: Int, _ rows: Int, _ columns: Int
        ) -> Void

    /// Copies a part of an image with zeros where it reaches beyond the borders: output [rows, columns, channels].
    ///
    /// Rows and columns may be negative; some channels are a group of a convolution. Uses the geometry's input size only.
    public let copyPadded:
        @Sendable (
            _ output: Output, _ input: Input, _ geometry: WindowGeometry, _ channels: Range<Int>, _ rows: Range<Int>,
            _ columns: Range<Int>
        ) -> Void

    /// Copies each window of some output lines behind the other (im2col): output [lines, outputWidth, kernelHeight, kernelWidth,
    /// channels], with zeros where a window reaches beyond the image. Some channels are a group of a convolution.
    public let copyWindows:
        @Sendable (
            _ output: Output, _ input: Input, _ geometry: WindowGeometry, _ channels: Range<Int>, _ lines: Range<Int>
        ) -> Void

    /// Gathers the kernels of one level.
    public init(
        transpose: @escaping @Sendable (Output, Int, Input, Int, Int, Int) -> Void,
        copyPadded: @escaping @Sendable (Output, Input, WindowGeometry, Range<Int>, Range<Int>, Range<Int>) -> Void,
        copyWindows: @escaping @Sendable (Output, Input, WindowGeometry, Range<Int>, Range<Int>) -> Void
    ) {
        self.transpose = transpose
        self.copyPadded = copyPadded
        self.copyWindows = copyWindows
    }
}
