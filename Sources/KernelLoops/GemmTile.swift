// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

/// The corner of one tile in each buffer.
struct GemmPlace {
    var output: Output
    var input: Input
    let packed: Input
    /// A panel that later tiles will read, as long as each of this tile's.
    var prefetching: Input
    var epilogue: Epilogue
    /// Columns of the output that the tile's panels hold.
    let columns: Int

    /// Goes down by some rows.
    @inline(__always)
    mutating func advance(rows: Int, _ problem: GemmProblem) {
        output += rows * problem.outputStride
        input += rows * problem.inputStride
        epilogue.residual = epilogue.residual.map { $0 + rows * problem.residualStride }
    }
}

/// Rows of the next tile, or pixels of the next block. Few sums would wait for each other.
@inline(__always)
func height(_ rows: Int, tallest: Int) -> Int {
    rows >= 2 * tallest ? tallest : rows > tallest ? (rows + 1) / 2 : rows
}

/// Computes a tile and returns its rows: the tallest, or such that the last two are about as tall.
@inline(__always)
func gemmTile(
    _ problem: UnsafePointer<GemmProblem>, _ place: UnsafePointer<GemmPlace>, panels: Int, rowsLeft rows: Int
) -> Int {
    switch panels {
    case 1: computeTile(Tile<1, 1>.self, problem, place, rows, tallest: Blocking.tallestOfOne)
    case 2: computeTile(Tile<1, 2>.self, problem, place, rows, tallest: Blocking.tallestOfTwo)
    case 3: computeTile(Tile<1, 3>.self, problem, place, rows, tallest: Blocking.tallestOfThree)
    case 4: computeTile(Tile<1, 4>.self, problem, place, rows, tallest: Blocking.tallestOfFour)
    default: Tile<1, 8>.compute(problem, place)
    }
}

/// - Parameter tallest: Known when this is compiled: taller tiles are not.
@inline(__always)
private func computeTile<let panels: Int>(
    _: Tile<1, panels>.Type, _ problem: UnsafePointer<GemmProblem>, _ place: UnsafePointer<GemmPlace>, _ rows: Int,
    tallest: Int
) -> Int {
    switch height(rows, tallest: problem.pointee.isCrowded ? min(7, tallest) : tallest) {
    case 2 where tallest >= 2: return Tile<2, panels>.compute(problem, place)
    case 3 where tallest >= 3: return Tile<3, panels>.compute(problem, place)
    case 4 where tallest >= 4: return Tile<4, panels>.compute(problem, place)
    case 5 where tallest >= 5: return Tile<5, panels>.compute(problem, place)
    case 6 where tallest >= 6: return Tile<6, panels>.compute(problem, place)
    case 7 where tallest >= 7: return Tile<7, panels>.compute(problem, place)
    case 8 where tallest >= 8: return Tile<8, panels>.compute(problem, place)
    case 9 where tallest >= 9: return Tile<9, panels>.compute(problem, place)
    case 10 where tallest >= 10: return Tile<10, panels>.compute(problem, place)
    case 11 where tallest >= 11: return Tile<11, panels>.compute(problem, place)
    case 12 where tallest >= 12: return Tile<12, panels>.compute(problem, place)
    case 13 where tallest >= 13: return Tile<13, panels>.compute(problem, place)
    case 14 where tallest >= 14: return Tile<14, panels>.compute(problem, place)
    default: return Tile<1, panels>.compute(problem, place)
    }
}

/// A block of the output whose sums stay in registers over the whole depth.
private enum Tile<let rows: Int, let panels: Int> {
    @inline(__always)
    static func compute(_ problem: UnsafePointer<GemmProblem>, _ place: UnsafePointer<GemmPlace>) -> Int {
        let (problem, place) = (problem.pointee, place.pointee)
        var sums = InlineArray<panels, InlineArray<rows, Lanes>>(repeating: InlineArray(repeating: all(0)))
        if let bias = place.epilogue.bias {
            for panel in 0..<panels {
                let count = min(laneCount, place.columns - panel * laneCount)
                let value =
                    count == laneCount
                    ? load(bias + panel * laneCount) : load(bias + panel * laneCount, count: count)
                for row in 0..<rows { sums[panel][row] = value }
            }
        }
        var (packed, prefetching) = (place.packed, place.prefetching)
        let (inputStride, panelStride) = (problem.inputStride, problem.panelStride)
        var window = place.input
        for _ in 0..<problem.windowRows {
            var tap = window
            for _ in 0..<problem.windowTaps {
                var input = tap
                let end = input + problem.tapLength
                while input < end {
                    var columns = InlineArray<panels, Lanes>(repeating: all(0))
                    for panel in 0..<panels { columns[panel] = load(packed + panel &* panelStride) }
                    for row in 0..<rows {
                        let value = all(input[row &* inputStride])
                        for panel in 0..<panels {
                            sums[panel][row] = multiplyAdd(sums[panel][row], value, columns[panel])
                        }
                    }
                    // Few rows take too little time for it.
                    if rows >= 4 { prefetch(prefetching) }
                    input += 1
                    packed += laneCount
                    prefetching += laneCount
                }
                tap += problem.windowTapStride
            }
            window += problem.windowRowStride
        }
        place.epilogue.write(
            sums, to: place.output, stride: problem.outputStride, residualStride: problem.residualStride,
            columns: place.columns)
        return rows
    }
}

#endif
