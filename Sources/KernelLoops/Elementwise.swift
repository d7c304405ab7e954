// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

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
func scaleColumns(_ output: Output, _ input: Input, _ scale: Input, _ rows: Int, _ channels: Int) {
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

/// output[r, c] = bias[c] + residual[r, c]
func beginRows(_ output: Output, _ outputStride: Int, _ epilogue: Epilogue, _ rows: Int, _ columns: Int) {
    for row in 0..<rows {
        let target = output + row * outputStride
        guard let residual = epilogue.residual.map({ $0 + row * outputStride }) else {
            if let bias = epilogue.bias { copy(target, bias, columns) } else { clear(target, columns) }
            continue
        }
        guard let bias = epilogue.bias else {
            copy(target, residual, columns)
            continue
        }
        for column in stride(from: 0, to: columns, by: laneCount) {
            let count = min(laneCount, columns - column)
            storeAny(loadAny(bias + column, count) + loadAny(residual + column, count), target + column, count)
        }
    }
}

/// output[r, c] = activation(output[r, c])
func activateRows(_ output: Output, _ outputStride: Int, _ activation: Activation, _ rows: Int, _ columns: Int) {
    guard activation != .none else { return }
    activateRows(output, outputStride, Input(output), outputStride, activation, rows: rows, columns: columns)
}

/// output[r, c] = input[r, c] * scale[r]
func scaleRows(_ output: Output, _ input: Input, _ scale: Input, _ rows: Int, _ columns: Int) {
    for row in 0..<rows {
        let (target, source, factor) = (output + row * columns, input + row * columns, all(scale[row]))
        for column in stride(from: 0, to: columns, by: laneCount) {
            let count = min(laneCount, columns - column)
            storeAny(loadAny(source + column, count) * factor, target + column, count)
        }
    }
}

#endif
