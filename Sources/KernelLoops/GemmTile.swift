// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

/// The corner of one tile in each buffer.
struct GemmPlace {
    let output: Output
    let input: Input
    let packed: Input
    /// A panel that later tiles will read, as long as each of this tile's.
    let ahead: Input
    let bias: Input?
    let residual: Input?
    /// Columns of the output that the tile's panels hold.
    let columns: Int
}

// Tall tiles are limited by the registers (sums, one vector of each panel, one broadcast value), low ones by the latency
// of a multiply-add: eight to ten sums must be under way. So there are tiles of every height, and the rows that the tallest
// leave over are shared by two.

#if KERNELS_AVX512
/// Rows of the tallest tile.
let tileRows = 14

/// How many panels to take next.
@inline(__always)
func panelsInGroup(left: Int, rows: Int) -> Int {
    if rows == 1 && left >= 8 { return 8 }
    if rows <= 6 && left >= 4 { return 4 }
    // As few passes over the weights as the registers allow.
    if (8...9).contains(rows) && left >= 3 && left != 4 { return 3 }
    return left == 3 ? 3 : min(left, 2)
}

/// Computes a tile and returns its rows: the tallest, or such that the last two are about as tall.
@inline(__always)
func gemmTile(_ problem: GemmProblem, _ place: GemmPlace, panels: Int, rowsLeft rows: Int) -> Int {
    switch panels {
    case 1:
        switch height(rows, tallest: problem.isCrowded ? 7 : 14) {
        case 1: return Tile<1, 1>.compute(problem, place)
        case 2: return Tile<2, 1>.compute(problem, place)
        case 3: return Tile<3, 1>.compute(problem, place)
        case 4: return Tile<4, 1>.compute(problem, place)
        case 5: return Tile<5, 1>.compute(problem, place)
        case 6: return Tile<6, 1>.compute(problem, place)
        case 7: return Tile<7, 1>.compute(problem, place)
        case 8: return Tile<8, 1>.compute(problem, place)
        case 9: return Tile<9, 1>.compute(problem, place)
        case 10: return Tile<10, 1>.compute(problem, place)
        case 11: return Tile<11, 1>.compute(problem, place)
        case 12: return Tile<12, 1>.compute(problem, place)
        case 13: return Tile<13, 1>.compute(problem, place)
        default: return Tile<14, 1>.compute(problem, place)
        }
    case 2:
        switch height(rows, tallest: problem.isCrowded ? 7 : 14) {
        case 1: return Tile<1, 2>.compute(problem, place)
        case 2: return Tile<2, 2>.compute(problem, place)
        case 3: return Tile<3, 2>.compute(problem, place)
        case 4: return Tile<4, 2>.compute(problem, place)
        case 5: return Tile<5, 2>.compute(problem, place)
        case 6: return Tile<6, 2>.compute(problem, place)
        case 7: return Tile<7, 2>.compute(problem, place)
        case 8: return Tile<8, 2>.compute(problem, place)
        case 9: return Tile<9, 2>.compute(problem, place)
        case 10: return Tile<10, 2>.compute(problem, place)
        case 11: return Tile<11, 2>.compute(problem, place)
        case 12: return Tile<12, 2>.compute(problem, place)
        case 13: return Tile<13, 2>.compute(problem, place)
        default: return Tile<14, 2>.compute(problem, place)
        }
    case 3:
        switch height(rows, tallest: problem.isCrowded ? 7 : 9) {
        case 1: return Tile<1, 3>.compute(problem, place)
        case 2: return Tile<2, 3>.compute(problem, place)
        case 3: return Tile<3, 3>.compute(problem, place)
        case 4: return Tile<4, 3>.compute(problem, place)
        case 5: return Tile<5, 3>.compute(problem, place)
        case 6: return Tile<6, 3>.compute(problem, place)
        case 7: return Tile<7, 3>.compute(problem, place)
        case 8: return Tile<8, 3>.compute(problem, place)
        default: return Tile<9, 3>.compute(problem, place)
        }
    case 4:
        switch height(rows, tallest: 6) {
        case 1: return Tile<1, 4>.compute(problem, place)
        case 2: return Tile<2, 4>.compute(problem, place)
        case 3: return Tile<3, 4>.compute(problem, place)
        case 4: return Tile<4, 4>.compute(problem, place)
        case 5: return Tile<5, 4>.compute(problem, place)
        default: return Tile<6, 4>.compute(problem, place)
        }
    default: return Tile<1, 8>.compute(problem, place)
    }
}
#elseif KERNELS_AVX2
/// Rows of the tallest tile.
let tileRows = 6

/// How many panels to take next.
@inline(__always)
func panelsInGroup(left: Int, rows: Int) -> Int {
    if rows == 1 && left >= 8 { return 8 }
    if rows <= 3 && left >= 4 { return 4 }
    return left == 3 ? 3 : min(left, 2)
}

/// Computes a tile and returns its rows: the tallest, or such that the last two are about as tall.
@inline(__always)
func gemmTile(_ problem: GemmProblem, _ place: GemmPlace, panels: Int, rowsLeft rows: Int) -> Int {
    switch panels {
    case 1:
        switch height(rows, tallest: problem.isCrowded ? 7 : 12) {
        case 1: return Tile<1, 1>.compute(problem, place)
        case 2: return Tile<2, 1>.compute(problem, place)
        case 3: return Tile<3, 1>.compute(problem, place)
        case 4: return Tile<4, 1>.compute(problem, place)
        case 5: return Tile<5, 1>.compute(problem, place)
        case 6: return Tile<6, 1>.compute(problem, place)
        case 7: return Tile<7, 1>.compute(problem, place)
        case 8: return Tile<8, 1>.compute(problem, place)
        case 9: return Tile<9, 1>.compute(problem, place)
        case 10: return Tile<10, 1>.compute(problem, place)
        case 11: return Tile<11, 1>.compute(problem, place)
        default: return Tile<12, 1>.compute(problem, place)
        }
    case 2:
        switch height(rows, tallest: 6) {
        case 1: return Tile<1, 2>.compute(problem, place)
        case 2: return Tile<2, 2>.compute(problem, place)
        case 3: return Tile<3, 2>.compute(problem, place)
        case 4: return Tile<4, 2>.compute(problem, place)
        case 5: return Tile<5, 2>.compute(problem, place)
        default: return Tile<6, 2>.compute(problem, place)
        }
    case 3:
        switch height(rows, tallest: 4) {
        case 1: return Tile<1, 3>.compute(problem, place)
        case 2: return Tile<2, 3>.compute(problem, place)
        case 3: return Tile<3, 3>.compute(problem, place)
        default: return Tile<4, 3>.compute(problem, place)
        }
    case 4:
        switch height(rows, tallest: 2) {
        case 1: return Tile<1, 4>.compute(problem, place)
        default: return Tile<2, 4>.compute(problem, place)
        }
    default: return Tile<1, 8>.compute(problem, place)
    }
}
#else
/// Rows of the tallest tile.
let tileRows = 4

/// How many panels to take next.
@inline(__always)
func panelsInGroup(left: Int, rows: Int) -> Int {
    if rows == 1 && left >= 4 { return 4 }
    return left == 3 ? 3 : min(left, 2)
}

/// Computes a tile and returns its rows: the tallest, or such that the last two are about as tall.
@inline(__always)
func gemmTile(_ problem: GemmProblem, _ place: GemmPlace, panels: Int, rowsLeft rows: Int) -> Int {
    switch panels {
    case 1:
        switch height(rows, tallest: 4) {
        case 1: return Tile<1, 1>.compute(problem, place)
        case 2: return Tile<2, 1>.compute(problem, place)
        case 3: return Tile<3, 1>.compute(problem, place)
        default: return Tile<4, 1>.compute(problem, place)
        }
    case 2:
        switch height(rows, tallest: 4) {
        case 1: return Tile<1, 2>.compute(problem, place)
        case 2: return Tile<2, 2>.compute(problem, place)
        case 3: return Tile<3, 2>.compute(problem, place)
        default: return Tile<4, 2>.compute(problem, place)
        }
    case 3:
        switch height(rows, tallest: 2) {
        case 1: return Tile<1, 3>.compute(problem, place)
        default: return Tile<2, 3>.compute(problem, place)
        }
    default: return Tile<1, 4>.compute(problem, place)
    }
}
#endif

/// Rows of the next tile, or pixels of the next block. Few sums would wait for each other.
@inline(__always)
func height(_ rows: Int, tallest: Int) -> Int {
    rows >= 2 * tallest ? tallest : rows > tallest ? (rows + 1) / 2 : rows
}

/// A block of the output whose sums stay in registers over the whole depth.
private enum Tile<let rows: Int, let panels: Int> {
    @inline(__always)
    static func compute(_ problem: GemmProblem, _ place: GemmPlace) -> Int {
        var sums = InlineArray<panels, InlineArray<rows, Lanes>>(repeating: InlineArray(repeating: all(0)))
        if let bias = place.bias {
            for panel in 0..<panels {
                let count = min(laneCount, place.columns - panel * laneCount)
                let value =
                    count == laneCount
                    ? load(bias + panel * laneCount) : load(bias + panel * laneCount, count: count)
                for row in 0..<rows { sums[panel][row] = value }
            }
        }
        var (packed, ahead) = (place.packed, place.ahead)
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
                    if rows >= 4 { prefetch(ahead) }
                    input += 1
                    packed += laneCount
                    ahead += laneCount
                }
                tap += problem.windowTapStride
            }
            window += problem.windowRowStride
        }
        finish(sums, problem, place)
        return rows
    }

    /// Adds the residual, writes, and applies the activation: ReLU before it writes, others to what then lies in L1.
    @inline(__always)
    private static func finish(
        _ sums: InlineArray<panels, InlineArray<rows, Lanes>>, _ problem: GemmProblem, _ place: GemmPlace
    ) {
        guard problem.activation != .relu else { return write(sums, problem, place, ReLU.self) }
        write(sums, problem, place, Identity.self)
        if problem.activation != .none {
            activateRows(
                place.output, problem.outputStride, Input(place.output), problem.outputStride, problem.activation,
                rows: rows, columns: place.columns)
        }
    }

    @inline(__always)
    private static func write<Function: LaneFunction>(
        _ sums: InlineArray<panels, InlineArray<rows, Lanes>>, _ problem: GemmProblem, _ place: GemmPlace,
        _: Function.Type
    ) {
        for panel in 0..<panels {
            let column = panel * laneCount
            let count = min(laneCount, place.columns - column)
            for row in 0..<rows {
                var value = sums[panel][row]
                let target = place.output + row * problem.outputStride + column
                if count == laneCount {
                    if let residual = place.residual {
                        value = value + load(residual + row * problem.residualStride + column)
                    }
                    store(Function.apply(value), target)
                } else {
                    if let residual = place.residual {
                        value = value + load(residual + row * problem.residualStride + column, count: count)
                    }
                    store(Function.apply(value), target, count: count)
                }
            }
        }
    }
}

#endif
