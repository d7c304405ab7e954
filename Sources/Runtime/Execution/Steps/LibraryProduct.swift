// SPDX-License-Identifier: MIT

import BLAS
import Kernels

/// A layer's product by OpenBLAS, with all that stands around it: a block of the output at a time, which lies in a cache from
/// the bias to the activation.
struct LibraryProduct {
    let library: OpenBLAS
    /// Where the matrix [k, n] stands in the prepared weights, row by row.
    let weight: Int
    let epilogue: StepEpilogue
    let n: Int
    let k: Int

    /// The product of another group of a grouped convolution: its weights and biases follow the others'.
    func group(_ index: Int) -> LibraryProduct {
        var group = epilogue
        group.bias = group.bias.map { $0 + index * n * 4 }
        return LibraryProduct(library: library, weight: weight + index * n * k * 4, epilogue: group, n: n, k: k)
    }

    /// Computes some columns of some rows.
    ///
    /// The bits of a block's values belong to the block as it is cut: callers cut rows and columns where the layer's shape
    /// says, whatever is computed together.
    ///
    /// - Parameters:
    ///   - output: Where the first row's column 0 stands, or would stand; its rows are `outputStride` apart.
    ///   - place: Where that is in the whole output, whose rows are as far apart if there is a residual.
    ///   - weights: The matrix's column 0, if it isn't the prepared one.
    func compute(
        _ run: StepRun, output: Output, outputStride: Int, input: Input, inputStride: Int, weights: Input? = nil,
        place: Int, rows: Int, columns: Range<Int>
    ) {
        let (first, count) = (columns.lowerBound, columns.count)
        let target = output + first
        let epilogue = epilogue.at(column: first, place: place + first, run)
        run.kernels.elementwise.beginRows(target, outputStride, epilogue, rows, count)
        library.addProduct(
            target, outputStride, input, inputStride, (weights ?? run.weights(weight)) + first, n, m: rows, n: count,
            k: k)
        run.kernels.elementwise.activateRows(target, outputStride, epilogue.activation, rows, count)
    }
}

/// How a product's output is cut: into blocks that lie in a cache and give several threads work, with few passes over the
/// operands, which OpenBLAS copies for each call. Only the layer's shape decides: the bits of a value depend on its block.
struct ProductBlocks: Equatable {
    /// Rows and columns of the whole, and of a block.
    let rows: Int
    let columns: Int
    let blockRows: Int
    let blockColumns: Int

    /// - Parameters:
    ///   - unit: Rows that belong together: a line of the image.
    ///   - mostRows: The most rows of a block, a multiple of `unit`.
    init(rows: Int, columns: Int, depth: Int, unit: Int = 1, mostRows: Int = .max) {
        self.rows = rows
        self.columns = columns
        let fitting = min(mostRows, max(Self.leastRows, Self.blockFloats / max(1, columns)))
        let count = max(1, (rows + fitting - 1) / fitting)
        blockRows = min(rows, ((rows + count - 1) / count + unit - 1) / unit * unit)
        let isLarge = rows * columns * depth >= Self.sharedWork
        blockColumns =
            blockRows < rows || !isLarge
            ? columns : min(columns, max(Self.leastColumns, (columns / 4 + 15) / 16 * 16))
    }

    /// Parts that the rows are cut into.
    var rowBlocks: Int { (rows + blockRows - 1) / max(1, blockRows) }
    private var columnBlocks: Int { max(1, (columns + blockColumns - 1) / max(1, blockColumns)) }

    /// Number of blocks.
    var count: Int { rowBlocks * columnBlocks }

    /// A block's rows and columns; the blocks of the same rows follow each other.
    subscript(index: Int) -> (rows: Range<Int>, columns: Range<Int>) {
        let (row, column) = index.quotientAndRemainder(dividingBy: columnBlocks)
        return (
            row * blockRows..<min(rows, (row + 1) * blockRows),
            column * blockColumns..<min(columns, (column + 1) * blockColumns)
        )
    }

    /// Floats of a block of the output that stay in L2 beside what the library copies.
    private static let blockFloats = CacheSizes.l2Floats / 8
    /// Fewer rows would not pay for the copy of the weights.
    private static let leastRows = 96
    /// Fewer columns would not pay for the copy of the input.
    private static let leastColumns = 64
    /// Multiply-adds that are worth sharing out.
    private static let sharedWork = 2_000_000
}
