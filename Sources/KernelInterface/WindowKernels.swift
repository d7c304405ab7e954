// SPDX-License-Identifier: MIT

/// Some lines of a convolution: output = epilogue(windows of the input · filters).
public struct WindowsCall {
    /// Where the first line's first pixel goes; the residual's places are like the output's.
    public var output: Output
    /// Where the first line's first window begins, in an image that has its borders around it (`MoveKernels.copyPadded`), or
    /// needs none. Borders above and below are not read if `lines.rows` tells them.
    public var input: Input
    /// The filters, packed as the kernel says.
    public var packed: Input
    /// What becomes of the sums.
    public var epilogue: Epilogue
    /// The lines, and where their windows lie.
    public var lines: ConvolutionLines
    /// Groups of channels, for `WindowKernels.convolveGroups`.
    public var groups: Int

    /// Describes some lines.
    @inlinable
    public init(
        output: Output, input: Input, packed: Input, epilogue: Epilogue, lines: ConvolutionLines, groups: Int = 1
    ) {
        self.output = output
        self.input = input
        self.packed = packed
        self.epilogue = epilogue
        self.lines = lines
        self.groups = groups
    }
}

/// Convolutions that read their windows where they stand: nothing is gathered.
///
/// The order of an output's additions depends on the window's sizes only, and is another for each of the kernels.
public struct WindowKernels: Sendable {
    /// Lanes along the output channels, which all read the same window. `packed` holds the filters as a matrix [outChannels, depth],
    /// packed by `GemmKernels.pack`, padded.
    public let convolve: @Sendable (_ call: WindowsCall) -> Void

    /// A depthwise convolution, lanes along the channels: a run is one value, and the other channels' stand beside it. `packed` as for
    /// `convolve`.
    public let convolveChannels: @Sendable (_ call: WindowsCall) -> Void

    /// Some groups of channels, which share vectors: a run of `tapLength` values is one group's inputs of a pixel, and the other
    /// groups' stand beside it. `packed` holds all filters [outChannels, depth], as for `convolve`.
    ///
    /// The inputs that `panelWidth` channels read of a pixel, from the first of the panel on, are at most `2 * panelWidth`.
    public let convolveGroups: @Sendable (_ call: WindowsCall) -> Void

    /// Few output channels, lanes along the depth: each filter is multiplied with each window value by value, and the lanes are added at
    /// the end. `packed` is written by `packDots`.
    public let convolveDots: @Sendable (_ call: WindowsCall) -> Void

    /// Number of Floats that the filters of `n` channels take, each of `runs` runs of `tapLength` values, for `convolveDots`.
    public let dotsPackedCount: @Sendable (_ n: Int, _ runs: Int, _ tapLength: Int) -> Int

    /// Packs filters [n, runs, tapLength] for `convolveDots`.
    public let packDots: @Sendable (_ packed: Output, _ weight: Input, _ n: Int, _ runs: Int, _ tapLength: Int) -> Void

    /// Gathers the kernels of one level.
    public init(
        convolve: @escaping @Sendable (WindowsCall) -> Void,
        convolveChannels: @escaping @Sendable (WindowsCall) -> Void,
        convolveGroups: @escaping @Sendable (WindowsCall) -> Void,
        convolveDots: @escaping @Sendable (WindowsCall) -> Void,
        dotsPackedCount: @escaping @Sendable (Int, Int, Int) -> Int,
        packDots: @escaping @Sendable (Output, Input, Int, Int, Int) -> Void
    ) {
        self.convolve = convolve
        self.convolveChannels = convolveChannels
        self.convolveGroups = convolveGroups
        self.convolveDots = convolveDots
        self.dotsPackedCount = dotsPackedCount
        self.packDots = packDots
    }
}
