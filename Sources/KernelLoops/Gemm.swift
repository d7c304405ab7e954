// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

// output [m, n] = activation(input [m, k] · packed [k, n] + bias [n] + residual [m, n])
//
// Loop order: blocks of rows whose input and output stay in L2; in each, groups of one to three panels, which stay in L1;
// in each, tiles of rows whose sums stay in registers over the whole depth.

/// Number of Floats that a packed matrix of `n` columns and depth `k` takes.
func packedCount(_ n: Int, _ k: Int) -> Int {
    (n + laneCount - 1) / laneCount * laneCount * k
}

/// Packs weight [n, k] into panels [n / laneCount][k][laneCount]; the last may be one of pairs.
func pack(_ packed: Output, _ weight: Input, _ n: Int, _ k: Int, _ lastPanel: LastPanel) {
    let whole = columnsInWholePanels(n, lastPanel)
    if whole < n { packPairs(packed + whole * k, weight + whole * k, n - whole, k) }
    var panel = packed
    for first in stride(from: 0, to: whole, by: laneCount) {
        let columns = min(laneCount, whole - first)
        if columns < laneCount { panel.update(repeating: 0, count: k * laneCount) }
        transpose(panel, laneCount, weight + first * k, k, columns, k)
        panel += k * laneCount
    }
}

/// Columns of the panels but for a last one of pairs.
private func columnsInWholePanels(_ n: Int, _ lastPanel: LastPanel) -> Int {
    switch lastPanel {
    case .padded: n
    case .paired: n / laneCount * laneCount
    }
}

/// output = packed, the weights of depth d times scale[d].
func scalePacked(
    _ output: Output, _ packed: Input, _ scale: Input, _ n: Int, _ k: Int, _ lastPanel: LastPanel
) {
    let whole = columnsInWholePanels(n, lastPanel)
    if whole < n {
        for depth in stride(from: 0, to: k, by: 2) {
            let place = whole * k + depth / 2 * laneCount
            store(load(packed + place) * allPairs(scale + depth), output + place)
        }
    }
    for panel in stride(from: 0, to: packedCount(whole, k), by: k * laneCount) {
        for depth in 0..<k {
            let place = panel + depth * laneCount
            store(load(packed + place) * all(scale[depth]), output + place)
        }
    }
}

/// What all tiles of one matrix product have in common.
struct GemmProblem {
    let outputStride: Int
    let inputStride: Int
    let residualStride: Int
    let k: Int
    /// How a row's k values lie in the input: `windowRows` times `windowTaps` runs of `tapLength` values.
    let windowRows: Int
    let windowRowStride: Int
    let windowTaps: Int
    let windowTapStride: Int
    let tapLength: Int
    /// Floats of one panel.
    var panelStride: Int { k * laneCount }
    /// Whether the rows of the input all fall on one place of an L1 cache, which holds 8 to 12 lines: a tile of more rows would
    /// fetch each line again for each of its values.
    var isCrowded: Bool { inputStride % 1024 == 0 }
}

func gemm(_ call: GemmCall) {
    let (m, n, k) = (call.m, call.n, call.k)
    let problem = GemmProblem(
        outputStride: call.outputStride, inputStride: call.inputStride, residualStride: call.residualStride, k: k,
        windowRows: 1, windowRowStride: 0, windowTaps: 1, windowTapStride: 0, tapLength: k)
    let blockRows = rowsPerBlock(k: k)
    let whole = columnsInWholePanels(n, call.lastPanel)
    var following = FollowingWeights(call.following)
    var first = 0
    while first < m {
        let rows = min(blockRows, m - first)
        let (output, input) = (call.output + first * call.outputStride, call.input + first * call.inputStride)
        let epilogue = call.epilogue.advanced(residual: first * call.residualStride)
        gemmBlock(problem, output, input, call.packed, epilogue, rows, whole, &following)
        if whole < n {
            gemmPairs(
                problem, output + whole, input, call.packed + whole * k,
                epilogue.advanced(columns: whole, residual: whole), rows, columns: n - whole)
        }
        first += rows
    }
}

/// Rows whose inputs fill a quarter of L2, in whole tiles. All weights pass by once for each block, from
/// farther away: few blocks matter more than outputs that stay.
private func rowsPerBlock(k: Int) -> Int {
    max(1, CacheSizes.l2Floats / 4 / max(1, k) / Blocking.tileRows) * Blocking.tileRows
}

/// All columns of one block of rows.
private func gemmBlock(
    _ problem: GemmProblem, _ output: Output, _ input: Input, _ packed: Input, _ epilogue: Epilogue, _ rows: Int,
    _ n: Int, _ following: inout FollowingWeights
) {
    var column = 0
    while column < n {
        let panels = Blocking.panelsInGroup(left: (n - column + laneCount - 1) / laneCount, rows: rows)
        gemmPanels(
            problem, panels, output + column, input, packed + column * problem.k,
            prefetching: packed + column * problem.k + panels * problem.panelStride,
            epilogue.advanced(columns: column, residual: column), rows,
            columns: min(panels * laneCount, n - column), &following)
        column += panels * laneCount
    }
}

/// Weights that are read after a product, as far as it has not prefetched them.
struct FollowingWeights {
    private var next: Input?
    private var left: Int

    init(_ weights: UnsafeBufferPointer<Float>?) {
        next = weights?.baseAddress
        left = weights?.count ?? 0
    }

    /// The next `count` of them or less, if any are left.
    @inline(__always)
    mutating func take(_ count: Int) -> Input? {
        guard left > 0, let part = next else { return nil }
        next = part + count
        left -= count
        return part
    }
}

/// All rows of a block for one group of panels.
///
/// Meanwhile, each tile prefetches one of the panels at `prefetching` into L2: mostly they are the next group's, and often in
/// memory still. Tiles that are left over prefetch the weights that follow the product.
func gemmPanels(
    _ problem: GemmProblem, _ panels: Int, _ output: Output, _ input: Input, _ packed: Input,
    prefetching: Input, _ epilogue: Epilogue, _ rows: Int, columns: Int, _ following: inout FollowingWeights
) {
    // The tiles read both where they stand: as values, each would copy all of it again.
    var place = GemmPlace(
        output: output, input: input, packed: packed, prefetching: prefetching, epilogue: epilogue, columns: columns)
    withUnsafePointer(to: problem) { problem in
        withUnsafeMutablePointer(to: &place) { place in
            var row = 0
            var panelsToPrefetch = panels
            while row < rows {
                let height = gemmTile(problem, place, panels: panels, rowsLeft: rows - row)
                row += height
                place.pointee.advance(rows: height, problem.pointee)
                panelsToPrefetch -= 1
                if panelsToPrefetch > 0 {
                    place.pointee.prefetching += problem.pointee.panelStride
                } else if let part = following.take(problem.pointee.panelStride) {
                    place.pointee.prefetching = part
                }
            }
        }
    }
}

#endif
