// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

// output [m, n] = activation(input [m, k] · packed [k / 2][n][2] + bias [n] + residual [m, n]), n at most half a vector
//
// Loop order: tiles of rows whose sums stay in registers over the whole depth, two depths at a time: a vector of weights is
// multiplied by two values of a row that alternate. Each output so has two chains of sums, of even and of odd depths, which
// are added at the end.

/// Packs the rows of weight [n, k] in pairs of depths: [k / 2][laneCount / 2][2].
func packPairs(_ packed: Output, _ weight: Input, _ n: Int, _ k: Int) {
    for depth in stride(from: 0, to: k, by: 2) {
        for column in 0..<laneCount / 2 {
            let target = packed + depth / 2 * laneCount + 2 * column
            for odd in 0..<2 { target[odd] = column < n ? weight[column * k + depth + odd] : 0 }
        }
    }
}

/// All rows of a block for the last panel, of pairs.
func gemmPairs(
    _ problem: GemmProblem, _ output: Output, _ input: Input, _ packed: Input, _ epilogue: Epilogue, _ rows: Int,
    columns: Int
) {
    var row = 0
    while row < rows {
        let place = GemmPlace(
            output: output + row * problem.outputStride, input: input + row * problem.inputStride, packed: packed,
            prefetching: packed, epilogue: epilogue.advanced(residual: row * problem.residualStride), columns: columns)
        row += pairTile(problem, place, rowsLeft: rows - row)
    }
}

/// Computes the tallest tile that fits and returns its rows.
@inline(__always)
private func pairTile(_ problem: GemmProblem, _ place: GemmPlace, rowsLeft rows: Int) -> Int {
    if Blocking.tallestOfPairs >= 14 && rows >= 14 && !problem.isCrowded {
        return PairTile<14>.compute(problem, place)
    }
    if rows >= 7 { return PairTile<7>.compute(problem, place) }
    if rows >= 4 { return PairTile<4>.compute(problem, place) }
    return PairTile<1>.compute(problem, place)
}

private enum PairTile<let rows: Int> {
    @inline(__always)
    static func compute(_ problem: GemmProblem, _ place: GemmPlace) -> Int {
        var sums = InlineArray<rows, Lanes>(repeating: all(0))
        var packed = place.packed
        var input = place.input
        let end = input + problem.k
        while input < end {
            let weights = load(packed)
            for row in 0..<rows {
                sums[row] = multiplyAdd(sums[row], allPairs(input + row &* problem.inputStride), weights)
            }
            input += 2
            packed += laneCount
        }
        let bias = place.epilogue.bias.map { load($0, count: place.columns) } ?? all(0)
        var totals = InlineArray<1, InlineArray<rows, Lanes>>(repeating: sums)
        for row in 0..<rows { totals[0][row] = sumsOfPairs(sums[row]) + bias }
        place.epilogue.write(
            totals, to: place.output, stride: problem.outputStride, residualStride: problem.residualStride,
            columns: place.columns)
        return rows
    }
}

#endif
