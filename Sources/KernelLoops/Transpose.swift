// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

// output [columns, rows] from input [rows, columns]
//
// A few whole vectors turn in registers: each time that those of the first half are zipped with those of the second, the
// highest bit of the vector's number becomes the lowest of the lane's.

func transpose(
    _ output: Output, _ outputStride: Int, _ input: Input, _ inputStride: Int, _ rows: Int, _ columns: Int
) {
    let matrices = Matrices(output: output, outputStride: outputStride, input: input, inputStride: inputStride)
    switch (rows, columns) {
    case (3, _) where outputStride == 3: matrices.interleaveThree(columns)
    case (4, _) where outputStride == 4: matrices.interleave(InlineArray<4, Lanes>.self, columns)
    case (8, _) where outputStride == 8: matrices.interleave(InlineArray<8, Lanes>.self, columns)
    case (_, 4) where inputStride == 4: matrices.separate(InlineArray<4, Lanes>.self, rows)
    case (_, 8) where inputStride == 8: matrices.separate(InlineArray<8, Lanes>.self, rows)
    default: matrices.transposeSquares(0..<rows, 0..<columns)
    }
}

/// Exchanges bits of place, `times` times, as above.
@inline(__always)
private func zip<let count: Int>(_ vectors: inout InlineArray<count, Lanes>, times: Int) {
    for _ in 0..<times {
        var zipped = vectors
        for index in 0..<count / 2 {
            zipped[2 * index] = zipLow(vectors[index], vectors[index + count / 2])
            zipped[2 * index + 1] = zipHigh(vectors[index], vectors[index + count / 2])
        }
        vectors = zipped
    }
}

private let squaresInRow = 8

private let laneBits = laneCount.trailingZeroBitCount

private struct Matrices {
    let output: Output
    let outputStride: Int
    let input: Input
    let inputStride: Int

    /// Squares of as many rows and columns as a vector has lanes.
    ///
    /// On the side whose lines lie further apart, and may all fall on the same few places of a cache, one square's lines are
    /// followed for a few squares before the next ones; on the other side lie the lines that are touched meanwhile: fewer, if
    /// they are written and lie far apart too.
    ///
    /// The last square goes back over what is done rather than beyond the matrix.
    func transposeSquares(_ rows: Range<Int>, _ columns: Range<Int>) {
        let lastRow = max(rows.lowerBound, rows.upperBound - laneCount)
        let lastColumn = max(columns.lowerBound, columns.upperBound - laneCount)
        if inputStride >= outputStride {
            let followed = (outputStride < 256 ? 8 : 2) * laneCount
            for first in stride(from: columns.lowerBound, to: columns.upperBound, by: followed) {
                for row in stride(from: rows.lowerBound, to: rows.upperBound, by: laneCount) {
                    for column in stride(from: first, to: min(first + followed, columns.upperBound), by: laneCount) {
                        transposeSquare(min(row, lastRow), min(column, lastColumn), rows.count, columns.count)
                    }
                }
            }
        } else {
            let followed = squaresInRow * laneCount
            // Rows of the output fall on the same places of a cache.
            let isCrowded = outputStride % 512 == 0
            for first in stride(from: rows.lowerBound, to: rows.upperBound, by: followed) {
                for column in stride(from: columns.lowerBound, to: columns.upperBound, by: laneCount) {
                    if isCrowded && first + followed <= rows.upperBound && column + laneCount <= columns.upperBound {
                        transposeRowOfSquares(first, column)
                        continue
                    }
                    for row in stride(from: first, to: min(first + followed, rows.upperBound), by: laneCount) {
                        transposeSquare(min(row, lastRow), min(column, lastColumn), rows.count, columns.count)
                    }
                }
            }
        }
    }

    /// A few squares, whose rows are written one after the other, so that it does not matter how many of them fall on the same
    /// places of a cache.
    @inline(never)
    private func transposeRowOfSquares(_ row: Int, _ column: Int) {
        var transposed = Blocking.RowOfSquares(repeating: all(0))
        let source = input + row * inputStride + column
        for index in 0..<squaresInRow {
            var square = Blocking.Square(repeating: all(0))
            for row in 0..<laneCount { square[row] = load(source + (index * laneCount + row) * inputStride) }
            zip(&square, times: laneBits)
            for column in 0..<laneCount { transposed[column * squaresInRow + index] = square[column] }
        }
        let target = output + column * outputStride + row
        for column in 0..<laneCount {
            for index in 0..<squaresInRow {
                store(transposed[column * squaresInRow + index], target + column * outputStride + index * laneCount)
            }
        }
    }

    /// One square, or as many rows and columns as there are.
    @inline(__always)
    private func transposeSquare(_ row: Int, _ column: Int, _ rowCount: Int, _ columnCount: Int) {
        let source = input + row * inputStride + column
        let target = output + column * outputStride + row
        var square = Blocking.Square(repeating: all(0))
        if rowCount >= laneCount && columnCount >= laneCount {
            for row in 0..<laneCount { square[row] = load(source + row * inputStride) }
            zip(&square, times: laneBits)
            for column in 0..<laneCount { store(square[column], target + column * outputStride) }
        } else {
            let (rows, columns) = (min(rowCount, laneCount), min(columnCount, laneCount))
            for row in 0..<laneCount where row < rows {
                square[row] = load(source + row * inputStride, count: columns)
            }
            zip(&square, times: laneBits)
            for column in 0..<laneCount where column < columns {
                store(square[column], target + column * outputStride, count: rows)
            }
        }
    }

    /// A few channels: output pixels lie side by side, a few in a vector.
    @inline(__always)
    func interleave<let count: Int>(_: InlineArray<count, Lanes>.Type, _ columns: Int) {
        var column = 0
        while column + laneCount <= columns {
            var vectors = InlineArray<count, Lanes>(repeating: all(0))
            for row in 0..<count { vectors[row] = load(input + row * inputStride + column) }
            zip(&vectors, times: count.trailingZeroBitCount)
            for index in 0..<count { store(vectors[index], output + column * count + index * laneCount) }
            column += laneCount
        }
        transposeSquares(0..<count, column..<columns)
    }

    /// A few channels: input pixels lie side by side, a few in a vector.
    @inline(__always)
    func separate<let count: Int>(_: InlineArray<count, Lanes>.Type, _ rows: Int) {
        var row = 0
        while row + laneCount <= rows {
            var vectors = InlineArray<count, Lanes>(repeating: all(0))
            for index in 0..<count { vectors[index] = load(input + row * count + index * laneCount) }
            zip(&vectors, times: laneBits)
            for column in 0..<count { store(vectors[column], output + column * outputStride + row) }
            row += laneCount
        }
        transposeSquares(row..<rows, 0..<count)
    }

    /// Three channels, of which no vector holds whole pixels.
    func interleaveThree(_ columns: Int) {
        var column = 0
        #if KERNELS_AVX512 || KERNELS_AVX2
        // Where the output's values stand in three planes' vectors.
        var places = InlineArray<3, IntLanes>(repeating: IntLanes(repeating: 0))
        for part in 0..<3 {
            for lane in 0..<laneCount {
                let (pixel, channel) = (part * laneCount + lane).quotientAndRemainder(dividingBy: 3)
                places[part][lane] = Int32(truncatingIfNeeded: channel * laneCount + pixel)
            }
        }
        while column + laneCount <= columns {
            let source = input + column
            let planes = (load(source), load(source + inputStride), load(source + 2 * inputStride))
            for part in 0..<3 {
                store(lookUp(planes, places[part]), output + column * 3 + part * laneCount)
            }
            column += laneCount
        }
        #endif
        for column in column..<columns {
            for row in 0..<3 { output[column * 3 + row] = input[row * inputStride + column] }
        }
    }
}

#endif
