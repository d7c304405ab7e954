// SPDX-License-Identifier: MIT

/// Some lines of a convolution's output, and where their windows lie, in images with channels first: each channel a plane.
///
/// All sizes in values. The first value of the window of output pixel (line, pixel) stands at
/// `line * inputLineStride + pixel`; the others' places from there are a table.
public struct ConvolutionPlanes: Sendable, Equatable {
    /// Output lines to compute.
    public var lineCount: Int
    /// Output pixels in a line.
    public var linePixels: Int
    /// Output channels to compute.
    public var outChannels: Int
    /// From one output channel to the next.
    public var outputPlaneStride: Int
    /// From one output line to the next.
    public var outputLineStride: Int
    /// From the windows of one line to the next one's.
    public var inputLineStride: Int
    /// Values in a window.
    public var depth: Int

    /// Describes lines.
    public init(
        lineCount: Int, linePixels: Int, outChannels: Int, outputPlaneStride: Int, outputLineStride: Int,
        inputLineStride: Int, depth: Int
    ) {
        self.lineCount = lineCount
        self.linePixels = linePixels
        self.outChannels = outChannels
        self.outputPlaneStride = outputPlaneStride
        self.outputLineStride = outputLineStride
        self.inputLineStride = inputLineStride
        self.depth = depth
    }
}

/// What is copied of some planes: every `rowStep`-th row, and of its columns every `columnStep`-th, in `phases` parts one
/// behind the other. Columns that a window's stride takes in turn are then neighbours.
///
/// Value (plane, row, phase, column) of the copy is the image's row `firstRow + row * rowStep` and column
/// `firstColumn + phase * columnStep + column * phases * columnStep`; 0 outside of the image.
public struct PlaneCopy: Sendable, Equatable {
    /// Height of the image.
    public var inputHeight: Int
    /// Width of the image.
    public var inputWidth: Int
    /// Planes to copy.
    public var planes: Int
    /// From one plane of the copy to the next, at least what its rows take.
    public var planeStride: Int
    /// The first row, which may lie above the image.
    public var firstRow: Int
    /// Rows to copy.
    public var rows: Int
    /// From one row to the next.
    public var rowStep: Int
    /// The first column, which may lie left of the image.
    public var firstColumn: Int
    /// From one phase to the next.
    public var columnStep: Int
    /// Parts of a row.
    public var phases: Int
    /// Columns of a part.
    public var columns: Int

    /// Describes a copy.
    public init(
        inputHeight: Int, inputWidth: Int, planes: Int, planeStride: Int, firstRow: Int, rows: Int, rowStep: Int,
        firstColumn: Int, columnStep: Int, phases: Int, columns: Int
    ) {
        self.inputHeight = inputHeight
        self.inputWidth = inputWidth
        self.planes = planes
        self.planeStride = planeStride
        self.firstRow = firstRow
        self.rows = rows
        self.rowStep = rowStep
        self.firstColumn = firstColumn
        self.columnStep = columnStep
        self.phases = phases
        self.columns = columns
    }
}

/// Convolutions of images with channels first, with lanes along a line's pixels.
public struct PlaneKernels: Sendable {
    /// Packs the filters [outChannels, depth] of one group for `convolve`; they take as many values as before.
    public let pack: @Sendable (_ packed: Output, _ weight: Input, _ outChannels: Int, _ depth: Int) -> Void

    /// output = activation(windows of the input · filters + bias), planes to planes.
    ///
    /// Each output is one chain of multiply-adds in the table's order. Nothing is read but the values that windows hold.
    ///
    /// - Parameters:
    ///   - places: Where each value of a window stands, from the first one on.
    public let convolve:
        @Sendable (
            _ output: Output, _ input: Input, _ packed: Input, _ bias: Input?, _ activation: Activation,
            _ planes: ConvolutionPlanes, _ places: UnsafePointer<Int>
        ) -> Void

    /// Copies rows of planes, so that windows need not mind borders or strides.
    public let copy: @Sendable (_ output: Output, _ input: Input, _ copy: PlaneCopy) -> Void

    /// Turns every `rowStep`-th row of an image with channels first, from row `firstRow` and column `firstColumn` on, with
    /// zeros where it reaches beyond the borders: output [rowCount, width, channels]. Uses the geometry's channels and input
    /// size alone.
    public let turn:
        @Sendable (
            _ output: Output, _ input: Input, _ geometry: WindowGeometry, _ firstRow: Int, _ rowCount: Int,
            _ rowStep: Int, _ firstColumn: Int, _ width: Int
        ) -> Void

    /// Gathers the kernels.
    public init(
        pack: @escaping @Sendable (Output, Input, Int, Int) -> Void,
        convolve:
            @escaping @Sendable (
                Output, Input, Input, Input?, Activation, ConvolutionPlanes, UnsafePointer<Int>
            ) -> Void,
        copy: @escaping @Sendable (Output, Input, PlaneCopy) -> Void,
        turn: @escaping @Sendable (Output, Input, WindowGeometry, Int, Int, Int, Int, Int) -> Void
    ) {
        self.pack = pack
        self.convolve = convolve
        self.copy = copy
        self.turn = turn
    }
}
