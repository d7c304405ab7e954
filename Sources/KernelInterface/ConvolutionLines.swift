// SPDX-License-Identifier: MIT

/// Some lines of a convolution's output, and where their windows lie in an image without borders to mind.
///
/// All sizes in values. The window of output pixel (line, pixel) begins at `line * inputLineStride + pixel * inputStride`;
/// from there, its values stand in `windowRows` rows of `windowTaps` runs of `tapLength` consecutive values.
public struct ConvolutionLines: Sendable, Equatable {
    /// Output lines to compute.
    public var lineCount: Int
    /// Output pixels in a line.
    public var linePixels: Int
    /// Output channels to compute: columns of the packed matrix.
    public var outChannels: Int
    /// From one output pixel to the next, also in the residual.
    public var outputStride: Int
    /// From one output line to the next, also in the residual.
    public var outputLineStride: Int
    /// From the window of one pixel to the next one's.
    public var inputStride: Int
    /// From the windows of one line to the next one's.
    public var inputLineStride: Int
    /// Rows of the window.
    public var windowRows: Int
    /// From one row of the window to the next.
    public var windowRowStride: Int
    /// Runs of values in a row of the window.
    public var windowTaps: Int
    /// From one run to the next.
    public var windowTapStride: Int
    /// Consecutive values in a run.
    public var tapLength: Int
    /// Which rows of the image hold values: rows of windows above and below it are neither read nor multiplied.
    public var rows: RowsOfLines

    /// Depth of the packed matrix: the values in a window.
    @inlinable
    public var depth: Int { windowRows * windowTaps * tapLength }

    /// Describes lines.
    public init(
        lineCount: Int, linePixels: Int, outChannels: Int, outputStride: Int, outputLineStride: Int,
        inputStride: Int, inputLineStride: Int, windowRows: Int, windowRowStride: Int,
        windowTaps: Int, windowTapStride: Int, tapLength: Int, rows: RowsOfLines? = nil
    ) {
        self.lineCount = lineCount
        self.linePixels = linePixels
        self.outChannels = outChannels
        self.outputStride = outputStride
        self.outputLineStride = outputLineStride
        self.inputStride = inputStride
        self.inputLineStride = inputLineStride
        self.windowRows = windowRows
        self.windowRowStride = windowRowStride
        self.windowTaps = windowTaps
        self.windowTapStride = windowTapStride
        self.tapLength = tapLength
        self.rows = rows ?? RowsOfLines(count: windowRows, first: 0, lineStep: 0, windowStep: 1)
    }
}

/// How the windows of lines lie in an image, counted in the image's rows.
public struct RowsOfLines: Sendable, Equatable {
    /// Rows of the image.
    public var count: Int
    /// Where the first line's windows begin; negative above the image.
    public var first: Int
    /// From one line's windows to the next one's.
    public var lineStep: Int
    /// From one row of a window to the next.
    public var windowStep: Int

    /// Describes the rows.
    public init(count: Int, first: Int, lineStep: Int, windowStep: Int) {
        self.count = count
        self.first = first
        self.lineStep = lineStep
        self.windowStep = windowStep
    }

    /// Which of a window's `rows` rows lie in the image, for a line: none of them, perhaps.
    @inlinable
    public func inside(line: Int, of rows: Int) -> Range<Int> {
        let top = first + line * lineStep
        let begin = top < 0 ? (windowStep - 1 - top) / windowStep : 0
        let end = top < count ? min(rows, (count - 1 - top) / windowStep + 1) : 0
        return begin < end ? begin..<end : 0..<0
    }
}
