// SPDX-License-Identifier: MIT

/// How the last panel of a packed matrix holds its columns.
public enum LastPanel: String, Sendable {
    /// As all panels do: each vector a depth, padded by zeros.
    case padded
    /// Each vector two depths: of column 0 at the first and at the second, of column 1 at both, and so on. Half the work, where
    /// at most half of a panel is left and the depth is even.
    case paired
}

/// A product of matrices: output[m, n] = epilogue(input[m, k] · weights[k, n]).
public struct GemmCall {
    /// Where the first row's first column goes.
    public var output: Output
    /// The distance of the output's rows.
    public var outputStride: Int
    /// The first row's first value.
    public var input: Input
    /// The distance of the input's rows.
    public var inputStride: Int
    /// The matrix as `GemmKernels.pack` writes it.
    public var packed: Input
    /// How its last panel holds its columns.
    public var lastPanel: LastPanel
    /// Rows.
    public var m: Int
    /// Columns.
    public var n: Int
    /// Depth.
    public var k: Int
    /// What becomes of the sums.
    public var epilogue: Epilogue
    /// The distance of the residual's rows.
    public var residualStride: Int
    /// Weights that are read soon after these: they may be brought nearer meanwhile.
    public var following: UnsafeBufferPointer<Float>?

    /// Describes a product; the residual's rows are as far apart as the output's.
    @inlinable
    public init(
        output: Output, outputStride: Int, input: Input, inputStride: Int, packed: Input,
        lastPanel: LastPanel = .padded, m: Int, n: Int, k: Int, epilogue: Epilogue = Epilogue(),
        residualStride: Int? = nil, following: UnsafeBufferPointer<Float>? = nil
    ) {
        self.output = output
        self.outputStride = outputStride
        self.input = input
        self.inputStride = inputStride
        self.packed = packed
        self.lastPanel = lastPanel
        self.m = m
        self.n = n
        self.k = k
        self.epilogue = epilogue
        self.residualStride = residualStride ?? outputStride
        self.following = following
    }
}

/// Products of a matrix that is known when the network runs with one that was packed before.
public struct GemmKernels: Sendable {
    /// Rows that a product does at a time: ranges of whole tiles waste nothing.
    public let tileRows: Int

    /// Number of Floats that a packed matrix of `n` columns and depth `k` takes: whole panels, the last padded by zeros.
    public let packedCount: @Sendable (_ n: Int, _ k: Int) -> Int

    /// Packs a weight matrix [n, k] (row-major, as `Linear.weight` and an OHWI convolution are) for `multiply`, or with a padded
    /// last panel for the kernels of other families.
    ///
    /// Panel p holds columns p * panelWidth ..<: for each of the k depths, panelWidth consecutive values.
    public let pack: @Sendable (_ packed: Output, _ weight: Input, _ n: Int, _ k: Int, _ lastPanel: LastPanel) -> Void

    /// output = packed, all weights of depth d times scale[d]: multiplying an input's channels by factors that are known only
    /// when the network runs, without touching the input. Works in place.
    public let scalePacked:
        @Sendable (
            _ output: Output, _ packed: Input, _ scale: Input, _ n: Int, _ k: Int, _ lastPanel: LastPanel
        ) -> Void

    /// Computes a product.
    ///
    /// Each output is one chain of k multiply-adds in ascending order, whatever m and n (in a paired last panel two chains,
    /// of even and of odd depths): rows and columns may be split at will (columns at multiples of `panelWidth`, by advancing
    /// `packed` by `k * panelWidth` a panel; all but the last of the parts have padded panels).
    public let multiply: @Sendable (_ call: GemmCall) -> Void

    /// Gathers the kernels of one level.
    public init(
        tileRows: Int, packedCount: @escaping @Sendable (Int, Int) -> Int,
        pack: @escaping @Sendable (Output, Input, Int, Int, LastPanel) -> Void,
        scalePacked: @escaping @Sendable (Output, Input, Input, Int, Int, LastPanel) -> Void,
        multiply: @escaping @Sendable (GemmCall) -> Void
    ) {
        self.tileRows = tileRows
        self.packedCount = packedCount
        self.pack = pack
        self.scalePacked = scalePacked
        self.multiply = multiply
    }
}

extension KernelTable {
    /// The better way to hold the last of `n` columns of depth `k`, for products of many rows.
    public func lastPanel(_ n: Int, _ k: Int) -> LastPanel {
        let columns = n % panelWidth
        return columns > 0 && columns <= panelWidth / 2 && k % 2 == 0 ? .paired : .padded
    }
}
