// SPDX-License-Identifier: MIT

import KernelInterface

// output [m, n] = activation(input [m, k] · packed [k, n] + bias [n] + residual [m, n]).
//
// Loop order: panels of columns, blocks of rows, depth. A tile of rows x one panel stays in registers over the whole depth,
// so each output is one chain of k multiply-adds whatever the split. A panel whose second vector holds no column is done
// with half the registers. A small matrix is kept in cache whole, and the rows come first.

/// Where a matrix product reads and writes, and what it adds.
struct GemmOperands {
    let output: Output
    let outputStride: Int
    let input: Input
    let inputStride: Int
    let bias: Input?
    let residual: Input?
    let residualStride: Int
    let activation: Activation
    let n: Int
    let k: Int
}

/// Two vectors of one row of a tile.
struct TileRow {
    var low = Vector.zero
    var high = Vector.zero

    /// Adds value * (b0, b1); `isNarrow` leaves the second vector out.
    @_transparent
    mutating func accumulate(_ value: Float, _ b0: Vector, _ b1: Vector, isNarrow: Bool) {
        let a = splat(value)
        low = multiplyAdd(low, a, b0)
        if !isNarrow { high = multiplyAdd(high, a, b1) }
    }
}

func gemm(
    _ output: Output, _ outputStride: Int, _ input: Input, _ inputStride: Int, _ packed: Input, _ bias: Input?,
    _ residual: Input?, _ residualStride: Int, _ activation: Activation, _ m: Int, _ n: Int, _ k: Int
) {
    let operands = GemmOperands(
        output: output, outputStride: outputStride, input: input, inputStride: inputStride, bias: bias,
        residual: residual, residualStride: residualStride, activation: activation, n: n, k: k)
    // Rows first while the whole matrix fits into a part of L2 beside a block of rows.
    let rowBlock = n &* k <= 65536 ? tileRows : m
    var row = 0
    while row < m {
        let rowEnd = min(m, row &+ rowBlock)
        var panel = packed
        var column = 0
        while column < n {
            gemmPanel(operands, panel, column, row, rowEnd)
            panel += panelWidth &* k
            column &+= panelWidth
        }
        row = rowEnd
    }
}

/// One panel's columns for rows `row ..< rowEnd`.
@inline(__always)
private func gemmPanel(_ operands: GemmOperands, _ panel: Input, _ column: Int, _ firstRow: Int, _ rowEnd: Int) {
    let isNarrow = operands.n &- column <= lanes
    var row = firstRow
    #if KERNELS_AVX512
        while row &+ 12 <= rowEnd {
            if isNarrow {
                tile12(operands, panel, column, row, isNarrow: true)
            } else {
                tile12(operands, panel, column, row, isNarrow: false)
            }
            row &+= 12
        }
    #elseif KERNELS_AVX2
        while row &+ 6 <= rowEnd {
            if isNarrow {
                tile6(operands, panel, column, row, isNarrow: true)
            } else {
                tile6(operands, panel, column, row, isNarrow: false)
            }
            row &+= 6
        }
    #endif
    while row &+ 4 <= rowEnd {
        tile4(operands, panel, column, row, isNarrow: isNarrow)
        row &+= 4
    }
    while row < rowEnd {
        tile1(operands, panel, column, row, isNarrow: isNarrow)
        row &+= 1
    }
}

/// Rows of the largest tile.
private var tileRows: Int {
    #if KERNELS_AVX512
        12
    #elseif KERNELS_AVX2
        6
    #else
        4
    #endif
}

#if KERNELS_AVX512
    /// 12 rows x 2 vectors: 24 accumulators, 2 for the panel, 1 for the input, of 32 registers.
    @inline(__always)
    private func tile12(_ operands: GemmOperands, _ panel: Input, _ column: Int, _ row: Int, isNarrow: Bool) {
        let stride = operands.inputStride
        let input0 = operands.input + row &* stride
        let input4 = input0 + 4 &* stride
        let input8 = input4 + 4 &* stride
        var r0 = TileRow(), r1 = TileRow(), r2 = TileRow(), r3 = TileRow()
        var r4 = TileRow(), r5 = TileRow(), r6 = TileRow(), r7 = TileRow()
        var r8 = TileRow(), r9 = TileRow(), r10 = TileRow(), r11 = TileRow()
        var b = panel
        for depth in 0..<operands.k {
            let b0 = load(b)
            let b1 = isNarrow ? b0 : load(b + lanes)
            r0.accumulate(input0[depth], b0, b1, isNarrow: isNarrow)
            r1.accumulate(input0[depth &+ stride], b0, b1, isNarrow: isNarrow)
            r2.accumulate(input0[depth &+ 2 &* stride], b0, b1, isNarrow: isNarrow)
            r3.accumulate(input0[depth &+ 3 &* stride], b0, b1, isNarrow: isNarrow)
            r4.accumulate(input4[depth], b0, b1, isNarrow: isNarrow)
            r5.accumulate(input4[depth &+ stride], b0, b1, isNarrow: isNarrow)
            r6.accumulate(input4[depth &+ 2 &* stride], b0, b1, isNarrow: isNarrow)
            r7.accumulate(input4[depth &+ 3 &* stride], b0, b1, isNarrow: isNarrow)
            r8.accumulate(input8[depth], b0, b1, isNarrow: isNarrow)
            r9.accumulate(input8[depth &+ stride], b0, b1, isNarrow: isNarrow)
            r10.accumulate(input8[depth &+ 2 &* stride], b0, b1, isNarrow: isNarrow)
            r11.accumulate(input8[depth &+ 3 &* stride], b0, b1, isNarrow: isNarrow)
            b += panelWidth
        }
        finish(operands, r0, column, row)
        finish(operands, r1, column, row &+ 1)
        finish(operands, r2, column, row &+ 2)
        finish(operands, r3, column, row &+ 3)
        finish(operands, r4, column, row &+ 4)
        finish(operands, r5, column, row &+ 5)
        finish(operands, r6, column, row &+ 6)
        finish(operands, r7, column, row &+ 7)
        finish(operands, r8, column, row &+ 8)
        finish(operands, r9, column, row &+ 9)
        finish(operands, r10, column, row &+ 10)
        finish(operands, r11, column, row &+ 11)
        activateTile(operands, column, row, rows: 12)
    }
#endif

#if KERNELS_AVX2
    /// 6 rows x 2 vectors: 12 accumulators, 2 for the panel, 1 for the input, of 16 registers.
    @inline(__always)
    private func tile6(_ operands: GemmOperands, _ panel: Input, _ column: Int, _ row: Int, isNarrow: Bool) {
        let stride = operands.inputStride
        let input0 = operands.input + row &* stride
        let input3 = input0 + 3 &* stride
        var r0 = TileRow(), r1 = TileRow(), r2 = TileRow(), r3 = TileRow(), r4 = TileRow(), r5 = TileRow()
        var b = panel
        for depth in 0..<operands.k {
            let b0 = load(b)
            let b1 = isNarrow ? b0 : load(b + lanes)
            r0.accumulate(input0[depth], b0, b1, isNarrow: isNarrow)
            r1.accumulate(input0[depth &+ stride], b0, b1, isNarrow: isNarrow)
            r2.accumulate(input0[depth &+ 2 &* stride], b0, b1, isNarrow: isNarrow)
            r3.accumulate(input3[depth], b0, b1, isNarrow: isNarrow)
            r4.accumulate(input3[depth &+ stride], b0, b1, isNarrow: isNarrow)
            r5.accumulate(input3[depth &+ 2 &* stride], b0, b1, isNarrow: isNarrow)
            b += panelWidth
        }
        finish(operands, r0, column, row)
        finish(operands, r1, column, row &+ 1)
        finish(operands, r2, column, row &+ 2)
        finish(operands, r3, column, row &+ 3)
        finish(operands, r4, column, row &+ 4)
        finish(operands, r5, column, row &+ 5)
        activateTile(operands, column, row, rows: 6)
    }
#endif

/// 4 rows x 2 vectors.
@inline(__always)
private func tile4(_ operands: GemmOperands, _ panel: Input, _ column: Int, _ row: Int, isNarrow: Bool) {
    let stride = operands.inputStride
    let input = operands.input + row &* stride
    var r0 = TileRow(), r1 = TileRow(), r2 = TileRow(), r3 = TileRow()
    var b = panel
    for depth in 0..<operands.k {
        let b0 = load(b)
        let b1 = load(b + lanes)
        r0.accumulate(input[depth], b0, b1, isNarrow: false)
        r1.accumulate(input[depth &+ stride], b0, b1, isNarrow: false)
        r2.accumulate(input[depth &+ 2 &* stride], b0, b1, isNarrow: false)
        r3.accumulate(input[depth &+ 3 &* stride], b0, b1, isNarrow: false)
        b += panelWidth
    }
    finish(operands, r0, column, row)
    finish(operands, r1, column, row &+ 1)
    finish(operands, r2, column, row &+ 2)
    finish(operands, r3, column, row &+ 3)
    activateTile(operands, column, row, rows: 4)
}

/// 1 row x 2 vectors.
@inline(__always)
private func tile1(_ operands: GemmOperands, _ panel: Input, _ column: Int, _ row: Int, isNarrow: Bool) {
    let input = operands.input + row &* operands.inputStride
    var r0 = TileRow()
    var b = panel
    for depth in 0..<operands.k {
        r0.accumulate(input[depth], load(b), load(b + lanes), isNarrow: false)
        b += panelWidth
    }
    finish(operands, r0, column, row)
    activateTile(operands, column, row, rows: 1)
}

/// Adds bias and residual to a row of a tile, and writes the columns that there are.
@inline(__always)
private func finish(_ operands: GemmOperands, _ tile: TileRow, _ column: Int, _ row: Int) {
    finishVector(operands, tile.low, column, row, min(lanes, operands.n &- column))
    let rest = operands.n &- column &- lanes
    if rest > 0 { finishVector(operands, tile.high, column &+ lanes, row, min(lanes, rest)) }
}

@inline(__always)
private func finishVector(_ operands: GemmOperands, _ sum: Vector, _ column: Int, _ row: Int, _ count: Int) {
    let target = operands.output + (row &* operands.outputStride &+ column)
    var value = sum
    if count == lanes {
        if let bias = operands.bias { value += load(bias + column) }
        if let residual = operands.residual { value += load(residual + (row &* operands.residualStride &+ column)) }
        store(value, target)
    } else {
        if let bias = operands.bias { value += load(bias + column, count: count) }
        if let residual = operands.residual {
            value += load(residual + (row &* operands.residualStride &+ column), count: count)
        }
        store(value, target, count: count)
    }
}

/// Applies the activation to a finished tile, which is in L1.
@inline(__always)
private func activateTile(_ operands: GemmOperands, _ column: Int, _ row: Int, rows: Int) {
    guard operands.activation != .none else { return }
    let count = min(panelWidth, operands.n &- column)
    for index in 0..<rows {
        let target = operands.output + ((row &+ index) &* operands.outputStride &+ column)
        activate(target, Input(target), operands.activation, count)
    }
}
