// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

// output[m, n] = requantised(words[m, wordCount] · packed): blocks of a few rows and one or two panels, whose sums stay in registers
// over the whole depth. The panels are gone through in the outer loop: each is read from memory once, the rows from the caches.

func gemm(_ call: Int8GemmCall) {
    let panelWords = call.wordCount * laneCount
    var column = 0
    while column < call.n {
        let columns = min(call.n - column, 2 * laneCount)
        let packed = call.packed + column / laneCount * panelWords
        var row = 0
        while row < call.m {
            let left = call.m - row
            if columns > laneCount {
                row += tile(Tile<1, 2>.self, call, packed, row, left, column, columns, tallest: Blocking.tallestOfTwo)
            } else {
                row += tile(Tile<1, 1>.self, call, packed, row, left, column, columns, tallest: Blocking.tallestOfOne)
            }
        }
        column += columns
    }
    if case .bytes(let target) = call.output, let table = call.requantization.table {
        lookUp(target, stride: call.outputStride, rows: call.m, columns: call.n, table)
    }
}

/// Computes a tile and returns its rows: the tallest, or such that the last two are about as tall.
///
/// - Parameter tallest: Known when this is compiled: taller tiles are not.
@inline(__always)
private func tile<let panels: Int>(
    _: Tile<1, panels>.Type, _ call: Int8GemmCall, _ packed: UnsafePointer<Int32>, _ row: Int, _ left: Int,
    _ column: Int, _ columns: Int, tallest: Int
) -> Int {
    switch left >= 2 * tallest ? tallest : left > tallest ? (left + 1) / 2 : left {
    case 2 where tallest >= 2: return Tile<2, panels>.compute(call, packed, row, column, columns)
    case 3 where tallest >= 3: return Tile<3, panels>.compute(call, packed, row, column, columns)
    case 4 where tallest >= 4: return Tile<4, panels>.compute(call, packed, row, column, columns)
    case 5 where tallest >= 5: return Tile<5, panels>.compute(call, packed, row, column, columns)
    case 6 where tallest >= 6: return Tile<6, panels>.compute(call, packed, row, column, columns)
    case 7 where tallest >= 7: return Tile<7, panels>.compute(call, packed, row, column, columns)
    case 8 where tallest >= 8: return Tile<8, panels>.compute(call, packed, row, column, columns)
    case 9 where tallest >= 9: return Tile<9, panels>.compute(call, packed, row, column, columns)
    case 10 where tallest >= 10: return Tile<10, panels>.compute(call, packed, row, column, columns)
    case 11 where tallest >= 11: return Tile<11, panels>.compute(call, packed, row, column, columns)
    case 12 where tallest >= 12: return Tile<12, panels>.compute(call, packed, row, column, columns)
    case 13 where tallest >= 13: return Tile<13, panels>.compute(call, packed, row, column, columns)
    case 14 where tallest >= 14: return Tile<14, panels>.compute(call, packed, row, column, columns)
    default: return Tile<1, panels>.compute(call, packed, row, column, columns)
    }
}

/// A block of the output whose sums stay in registers over the whole depth.
private enum Tile<let rows: Int, let panels: Int> {
    @inline(__always)
    static func compute(
        _ call: Int8GemmCall, _ packed: UnsafePointer<Int32>, _ row: Int, _ column: Int, _ columns: Int
    ) -> Int {
        var sums = InlineArray<panels, InlineArray<rows, Words>>(repeating: InlineArray(repeating: all(Int32(0))))
        let stride = call.wordCount
        let panelWords = stride &* laneCount
        var input = call.words + row &* stride
        let end = input + stride
        var packed = packed
        while input < end {
            var weights = InlineArray<panels, Words>(repeating: all(Int32(0)))
            for panel in 0..<panels { weights[panel] = load(packed + panel &* panelWords) }
            for row in 0..<rows {
                let word = all(input[row &* stride])
                for panel in 0..<panels { sums[panel][row] = dot(sums[panel][row], word, weights[panel]) }
            }
            input += 1
            packed += laneCount
        }
        let requantization = call.requantization
        for panel in 0..<panels {
            let first = column + panel * laneCount
            let count = min(laneCount, column + columns - first)
            let factors = ColumnFactors(requantization, column: first)
            for index in 0..<rows {
                let place = (row + index) * call.outputStride + first
                let residual = (row + index) * requantization.residualStride + first
                // One question for each vector, in the place of several.
                if count == laneCount {
                    requantization.write(
                        sums[panel][index], factors, to: call.output, place, residual: residual, laneCount)
                } else {
                    requantization.write(sums[panel][index], factors, to: call.output, place, residual: residual, count)
                }
            }
        }
        return rows
    }
}

#endif
