// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

// output[line, row, n] = requantised(window(line, row) · packed): tiles of a few rows and a block of columns, whose sums stay in registers
// over the whole depth; columns that fill no block are done in panels, one or two at a time. Blocks and panels are gone through in the
// outer loop: each is read from memory once, the input from the caches.

func gemm(_ call: Int8GemmCall) {
    let wholeBlocks = call.n / blockLength * blockLength
    for column in stride(from: 0, to: wholeBlocks, by: blockLength) {
        let factors = BlockFactors(call.requantization, column: column)
        let packed = call.packed + column * call.window.wordCount
        for line in 0..<call.lines {
            var row = 0
            while row < call.rows {
                row += blockTile(call, factors, packed, Place(call, line: line, row: row), call.rows - row, column)
            }
        }
    }
    if wholeBlocks < call.n { panels(call, from: wholeBlocks) }
    let first = Table.standsInRegisters ? wholeBlocks : 0
    if first < call.n, case .bytes(let target) = call.output, let table = call.requantization.table {
        lookUp(
            target + first, stride: call.outputStride, rows: call.lines * call.rows, columns: call.n - first, table)
    }
}

/// Columns from `first` on, in panels; all but the table.
private func panels(_ call: Int8GemmCall, from first: Int) {
    for column in stride(from: first, to: call.n, by: 2 * laneCount) {
        let columns = min(call.n - column, 2 * laneCount)
        let packed = call.packed + column * call.window.wordCount
        for line in 0..<call.lines {
            var row = 0
            while row < call.rows {
                let (place, left) = (Place(call, line: line, row: row), call.rows - row)
                if columns > laneCount {
                    row += tile(Tile<1, 2>.self, call, packed, place, left, column, columns, Blocking.tallestOfTwo)
                } else {
                    row += tile(Tile<1, 1>.self, call, packed, place, left, column, columns, Blocking.tallestOfOne)
                }
            }
        }
    }
}

/// Where a tile's first row stands.
private struct Place {
    /// Its window in the input.
    let input: UnsafeRawPointer
    /// Which of the output's rows it is.
    let row: Int

    @inline(__always)
    init(_ call: Int8GemmCall, line: Int, row: Int) {
        input = call.input + line * call.lineStride + row * call.rowStride
        self.row = line * call.rows + row
    }
}

/// The rows of the next tile: the tallest, or such that the last two are about as tall.
@inline(__always)
private func height(of left: Int, _ tallest: Int) -> Int {
    left >= 2 * tallest ? tallest : left > tallest ? (left + 1) / 2 : left
}

/// Computes a tile of a block of columns and returns its rows.
@inline(__always)
private func blockTile(
    _ call: Int8GemmCall, _ factors: BlockFactors, _ packed: UnsafePointer<Int32>, _ place: Place, _ left: Int,
    _ column: Int
) -> Int {
    let tallest = Blocking.tallestOfBlock
    switch height(of: left, tallest) {
    case 2 where tallest >= 2: return BlockTile<2>.compute(call, factors, packed, place, column)
    case 3 where tallest >= 3: return BlockTile<3>.compute(call, factors, packed, place, column)
    case 4 where tallest >= 4: return BlockTile<4>.compute(call, factors, packed, place, column)
    case 5 where tallest >= 5: return BlockTile<5>.compute(call, factors, packed, place, column)
    case 6 where tallest >= 6: return BlockTile<6>.compute(call, factors, packed, place, column)
    default: return BlockTile<1>.compute(call, factors, packed, place, column)
    }
}

/// Computes a tile of one or two panels and returns its rows.
///
/// - Parameter tallest: Known when this is compiled: taller tiles are not.
@inline(__always)
private func tile<let panels: Int>(
    _: Tile<1, panels>.Type, _ call: Int8GemmCall, _ packed: UnsafePointer<Int32>, _ place: Place, _ left: Int,
    _ column: Int, _ columns: Int, _ tallest: Int
) -> Int {
    switch height(of: left, tallest) {
    case 2 where tallest >= 2: return Tile<2, panels>.compute(call, packed, place, column, columns)
    case 3 where tallest >= 3: return Tile<3, panels>.compute(call, packed, place, column, columns)
    case 4 where tallest >= 4: return Tile<4, panels>.compute(call, packed, place, column, columns)
    case 5 where tallest >= 5: return Tile<5, panels>.compute(call, packed, place, column, columns)
    case 6 where tallest >= 6: return Tile<6, panels>.compute(call, packed, place, column, columns)
    case 7 where tallest >= 7: return Tile<7, panels>.compute(call, packed, place, column, columns)
    case 8 where tallest >= 8: return Tile<8, panels>.compute(call, packed, place, column, columns)
    case 9 where tallest >= 9: return Tile<9, panels>.compute(call, packed, place, column, columns)
    case 10 where tallest >= 10: return Tile<10, panels>.compute(call, packed, place, column, columns)
    case 11 where tallest >= 11: return Tile<11, panels>.compute(call, packed, place, column, columns)
    case 12 where tallest >= 12: return Tile<12, panels>.compute(call, packed, place, column, columns)
    case 13 where tallest >= 13: return Tile<13, panels>.compute(call, packed, place, column, columns)
    case 14 where tallest >= 14: return Tile<14, panels>.compute(call, packed, place, column, columns)
    default: return Tile<1, panels>.compute(call, packed, place, column, columns)
    }
}

/// Calls `body` for each word of a window: where the first row's stands, and the packed words of all columns of a kind.
@inline(__always)
private func forEachWord(
    _ call: Int8GemmCall, _ place: Place, _ packed: UnsafePointer<Int32>, _ packedStride: Int,
    _ body: (_ input: UnsafeRawPointer, _ packed: UnsafePointer<Int32>) -> Void
) {
    let window = call.window
    var packed = packed
    for row in 0..<window.rows {
        for column in 0..<window.columns {
            var input = place.input + row &* window.rowStride + column &* window.columnStride
            let end = input + 4 &* window.words
            while input < end {
                body(input, packed)
                input += 4
                packed += packedStride
            }
        }
    }
}

/// The word at a place in all lanes.
@inline(__always)
private func word(_ input: UnsafeRawPointer, _ offset: Int) -> Words {
    all(input.loadUnaligned(fromByteOffset: offset, as: Int32.self))
}

/// Rows of a block of columns: their sums stay in registers over the whole depth and become bytes together.
private enum BlockTile<let rows: Int> {
    @inline(__always)
    static func compute(
        _ call: Int8GemmCall, _ factors: BlockFactors, _ packed: UnsafePointer<Int32>, _ place: Place, _ column: Int
    ) -> Int {
        var sums = InlineArray<rows, InlineArray<4, Words>>(repeating: factors.bias)
        let stride = call.rowStride
        forEachWord(call, place, packed, blockLength) { input, packed in
            var weights = InlineArray<4, Words>(repeating: all(Int32(0)))
            for vector in 0..<4 { weights[vector] = load(packed + vector &* laneCount) }
            for row in 0..<rows {
                let word = word(input, row &* stride)
                for vector in 0..<4 { sums[row][vector] = dot(sums[row][vector], word, weights[vector]) }
            }
        }
        let requantization = call.requantization
        for index in 0..<rows {
            requantization.write(
                sums[index], factors, to: call.output, (place.row + index) * call.outputStride + column,
                residual: (place.row + index) * requantization.residualStride + column, blockLength)
        }
        return rows
    }
}

/// Rows of one or two panels: their sums stay in registers over the whole depth.
private enum Tile<let rows: Int, let panels: Int> {
    @inline(__always)
    static func compute(
        _ call: Int8GemmCall, _ packed: UnsafePointer<Int32>, _ place: Place, _ column: Int, _ columns: Int
    ) -> Int {
        var sums = InlineArray<panels, InlineArray<rows, Words>>(repeating: InlineArray(repeating: all(Int32(0))))
        let stride = call.rowStride
        let panelWords = call.window.wordCount &* laneCount
        forEachWord(call, place, packed, laneCount) { input, packed in
            var weights = InlineArray<panels, Words>(repeating: all(Int32(0)))
            for panel in 0..<panels { weights[panel] = load(packed + panel &* panelWords) }
            for row in 0..<rows {
                let word = word(input, row &* stride)
                for panel in 0..<panels { sums[panel][row] = dot(sums[panel][row], word, weights[panel]) }
            }
        }
        let requantization = call.requantization
        for panel in 0..<panels {
            let first = column + panel * laneCount
            let count = min(laneCount, column + columns - first)
            let (bias, multiplier) = (load(requantization.bias + first), load(requantization.multiplier + first))
            for index in 0..<rows {
                let target = (place.row + index) * call.outputStride + first
                let residual = (place.row + index) * requantization.residualStride + first
                let sum = add(sums[panel][index], bias)
                // One question for each vector, in the place of several.
                if count == laneCount {
                    requantization.write(sum, multiplier, to: call.output, target, residual: residual, laneCount)
                } else {
                    requantization.write(sum, multiplier, to: call.output, target, residual: residual, count)
                }
            }
        }
        return rows
    }
}

#endif
