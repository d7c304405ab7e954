// SPDX-License-Identifier: MIT

import KernelInterface

// Matrices are [rows, channels], row after row. All work in place.

func activate(_ output: Output, _ input: Input, _ activation: Activation, _ count: Int) {
    activateRows(output, count, input, count, activation, rows: 1, columns: count)
}

/// output[i] = activation(a[i] + b[i]), in pieces that stay in L1 between the two.
func add(_ output: Output, _ a: Input, _ b: Input, _ activation: Activation, _ count: Int) {
    let piece = 2048
    for first in stride(from: 0, to: count, by: piece) {
        let end = min(count, first + piece)
        for index in stride(from: first, to: end, by: laneCount) {
            let lanes = min(laneCount, end - index)
            storeAny(loadAny(a + index, lanes) + loadAny(b + index, lanes), output + index, lanes)
        }
        if activation != .none { activate(output + first, Input(output + first), activation, end - first) }
    }
}

/// output[r, c] = activation(input[r, c] * scale[c] + shift[c])
func affine(
    _ output: Output, _ input: Input, _ scale: Input, _ shift: Input, _ activation: Activation,
    _ rows: Int, _ channels: Int
) {
    for row in 0..<rows {
        let (target, source) = (output + row * channels, input + row * channels)
        for channel in stride(from: 0, to: channels, by: laneCount) {
            let count = min(laneCount, channels - channel)
            let value = multiplyAdd(
                loadAny(shift + channel, count), loadAny(source + channel, count), loadAny(scale + channel, count))
            storeAny(value, target + channel, count)
        }
        if activation != .none { activate(target, Input(target), activation, channels) }
    }
}

/// output[r, c] = input[r, c] * scale[c]
func scaleChannels(_ output: Output, _ input: Input, _ scale: Input, _ rows: Int, _ channels: Int) {
    for row in 0..<rows {
        let (target, source) = (output + row * channels, input + row * channels)
        for channel in stride(from: 0, to: channels, by: laneCount) {
            let count = min(laneCount, channels - channel)
            storeAny(loadAny(source + channel, count) * loadAny(scale + channel, count), target + channel, count)
        }
    }
}

/// output[c] = scale * sum over rows of input[r, c]
///
/// Loop order: eight vectors of channels, whose sums do not wait for each other, or one; the rows.
func sumRows(_ output: Output, _ input: Input, _ scale: Float, _ rows: Int, _ channels: Int) {
    var channel = 0
    while channel + 8 * laneCount <= channels {
        var totals = InlineArray<8, Lanes>(repeating: all(0))
        for row in 0..<rows {
            let source = input + row * channels + channel
            for vector in 0..<8 { totals[vector] = totals[vector] + load(source + vector * laneCount) }
        }
        for vector in 0..<8 { store(totals[vector] * all(scale), output + channel + vector * laneCount) }
        channel += 8 * laneCount
    }
    while channel < channels {
        let count = min(laneCount, channels - channel)
        var total = all(0)
        for row in 0..<rows { total = total + loadAny(input + row * channels + channel, count) }
        storeAny(total * all(scale), output + channel, count)
        channel += laneCount
    }
}

/// output [columns, rows] from input [rows, columns].
func transpose(_ output: Output, _ input: Input, _ rows: Int, _ columns: Int) {
    switch rows {
    case 3: interleave(InlineArray<3, Void>.self, output, input, columns)
    case 4: interleave(InlineArray<4, Void>.self, output, input, columns)
    default: transposeTiles(output, input, rows, columns)
    }
}

/// A few channels: each output pixel is written whole.
@inline(__always)
private func interleave<let rows: Int>(
    _: InlineArray<rows, Void>.Type, _ output: Output, _ input: Input, _ columns: Int
) {
    for column in 0..<columns {
        for row in 0..<rows { output[column * rows + row] = input[row * columns + column] }
    }
}

/// Squares of 4 by 4, which turn in registers.
///
/// On the side whose lines lie further apart, and may all fall on the same few places of a cache, four lines are followed for
/// 32 values before the next four; on the other side lie the 32 lines that are touched meanwhile.
private func transposeTiles(_ output: Output, _ input: Input, _ rows: Int, _ columns: Int) {
    let tile = 32
    if columns >= rows {
        for first in stride(from: 0, to: columns, by: tile) {
            for row in stride(from: 0, to: rows, by: 4) {
                for column in stride(from: first, to: min(first + tile, columns), by: 4) {
                    transposeSquare(output, input, rows, columns, row, column)
                }
            }
        }
    } else {
        for first in stride(from: 0, to: rows, by: tile) {
            for column in stride(from: 0, to: columns, by: 4) {
                for row in stride(from: first, to: min(first + tile, rows), by: 4) {
                    transposeSquare(output, input, rows, columns, row, column)
                }
            }
        }
    }
}

/// Four rows by four columns, or what is left of them.
@inline(__always)
private func transposeSquare(
    _ output: Output, _ input: Input, _ rows: Int, _ columns: Int, _ row: Int, _ column: Int
) {
    if row + 4 <= rows && column + 4 <= columns {
        transpose4x4(output + column * rows + row, rows, input + row * columns + column, columns)
    } else {
        for column in column..<min(column + 4, columns) {
            for row in row..<min(row + 4, rows) { output[column * rows + row] = input[row * columns + column] }
        }
    }
}

@inline(__always)
private func transpose4x4(_ output: Output, _ outputStride: Int, _ input: Input, _ inputStride: Int) {
    let source = UnsafeRawPointer(input)
    let a = source.loadUnaligned(as: SIMD4<Float>.self)
    let b = source.loadUnaligned(fromByteOffset: 4 * inputStride, as: SIMD4<Float>.self)
    let c = source.loadUnaligned(fromByteOffset: 8 * inputStride, as: SIMD4<Float>.self)
    let d = source.loadUnaligned(fromByteOffset: 12 * inputStride, as: SIMD4<Float>.self)
    let target = UnsafeMutableRawPointer(output)
    let step = 4 * outputStride
    target.storeBytes(of: SIMD4(a[0], b[0], c[0], d[0]), as: SIMD4<Float>.self)
    target.storeBytes(of: SIMD4(a[1], b[1], c[1], d[1]), toByteOffset: step, as: SIMD4<Float>.self)
    target.storeBytes(of: SIMD4(a[2], b[2], c[2], d[2]), toByteOffset: 2 * step, as: SIMD4<Float>.self)
    target.storeBytes(of: SIMD4(a[3], b[3], c[3], d[3]), toByteOffset: 3 * step, as: SIMD4<Float>.self)
}
