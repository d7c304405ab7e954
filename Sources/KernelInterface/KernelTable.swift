// SPDX-License-Identifier: MIT

/// Pointer to values that a kernel reads.
public typealias Input = UnsafePointer<Float>
/// Pointer to values that a kernel writes.
public typealias Output = UnsafeMutablePointer<Float>

/// The kernels of one process, by family: functions over pointers and counts.
///
/// Each family says in the file of its contract what its functions take and give.
///
/// Contracts that hold for every kernel:
/// - Images are channels-last; "rows" of a matrix are pixels or batch entries, its columns channels.
/// - Nothing is allocated, thrown or locked; scratch comes from the caller; counts may be zero.
/// - Pointers need the alignment of a Float only; buffers do not overlap unless a kernel says that it works in place.
/// - Ranges (of rows, lines, tiles) let several threads share one output; the bits written for a row never depend on the range
///   that it was part of, nor on the rows of a matrix product.
/// - NaN and infinities go through as IEEE 754 says; ReLU of NaN is NaN.
public struct KernelTable: Sendable {
    /// Name of the level: `portable`, `avx2`, `avx512`.
    public let name: String
    /// Whether the kernels were compiled for a processor with vectors wider than every processor of the architecture has.
    public var isVectorLevel: Bool { name != "portable" }
    /// Values in a vector, and columns in one panel of a packed matrix.
    public let panelWidth: Int

    /// Products of matrices.
    public let gemm: GemmKernels
    /// Convolutions that read their windows where they stand.
    public let windows: WindowKernels
    /// Convolutions with one filter per channel.
    public let depthwise: DepthwiseKernels
    /// The fast way to convolve with 3x3 windows.
    public let winograd: WinogradKernels
    /// Poolings.
    public let pool: PoolKernels
    /// Functions of each value, or of two.
    public let elementwise: ElementwiseKernels
    /// Rows made into fewer values, or brought to a common scale.
    public let reduce: ReduceKernels
    /// The same values at other places.
    public let move: MoveKernels
    /// Networks of 8-bit integers: compiled for other instructions than the families of Floats.
    public let int8: Int8Kernels

    /// Gathers the kernels of one level.
    public init(
        name: String, panelWidth: Int, gemm: GemmKernels, windows: WindowKernels, depthwise: DepthwiseKernels,
        winograd: WinogradKernels, pool: PoolKernels, elementwise: ElementwiseKernels, reduce: ReduceKernels,
        move: MoveKernels, int8: Int8Kernels
    ) {
        self.name = name
        self.panelWidth = panelWidth
        self.gemm = gemm
        self.windows = windows
        self.depthwise = depthwise
        self.winograd = winograd
        self.pool = pool
        self.elementwise = elementwise
        self.reduce = reduce
        self.move = move
        self.int8 = int8
    }
}

/// A family of kernels, and the instructions that it was compiled for.
public struct KernelFamily: Sendable, Equatable, CustomStringConvertible {
    /// For example `gemm`.
    public let name: String
    /// The name of a level.
    public let instructions: String

    /// For example "gemm avx2".
    public var description: String { "\(name) \(instructions)" }
}

extension KernelTable {
    /// What there is: the families of the level.
    public var families: [KernelFamily] {
        ["gemm", "windows", "depthwise", "winograd", "pool", "elementwise", "reduce", "move"].map {
            KernelFamily(name: $0, instructions: name)
        } + [KernelFamily(name: "int8", instructions: int8.name)]
    }
}

extension KernelTable: CustomStringConvertible {
    /// The level's name.
    public var description: String { name }
}
