// SPDX-License-Identifier: MIT

import KernelInterface

/// Calls `body` with the offset of each whole vector of `count` values, then `tail` with what is left.
@_transparent
func forEachVector(_ count: Int, _ body: (Int) -> Void, tail: (_ offset: Int, _ count: Int) -> Void) {
    var offset = 0
    while offset &+ lanes <= count {
        body(offset)
        offset &+= lanes
    }
    if offset < count { tail(offset, count &- offset) }
}

/// output[i] = function(input[i]).
@_transparent
func map(_ output: Output, _ input: Input, _ count: Int, _ function: (Vector) -> Vector) {
    forEachVector(count) { offset in
        store(function(load(input + offset)), output + offset)
    } tail: { offset, rest in
        store(function(load(input + offset, count: rest)), output + offset, count: rest)
    }
}

/// output [count] = activation(input [count]). One pass; in place if the pointers are equal.
func activate(_ output: Output, _ input: Input, _ activation: Activation, _ count: Int) {
    switch activation {
    case .none: if output != UnsafeMutablePointer(mutating: input) { map(output, input, count) { $0 } }
    case .relu: map(output, input, count) { relu($0) }
    case .relu6: map(output, input, count) { relu6($0) }
    case .silu: map(output, input, count) { silu($0) }
    case .sigmoid: map(output, input, count) { sigmoid($0) }
    case .tanh: map(output, input, count) { hyperbolicTangent($0) }
    case .hardSwish: map(output, input, count) { hardSwish($0) }
    case .hardSigmoid: map(output, input, count) { hardSigmoid($0) }
    case .gelu: map(output, input, count) { gelu($0) }
    case .geluTanh: map(output, input, count) { geluTanh($0) }
    }
}

/// output [count] = activation(a [count] + b [count]).
func add(_ output: Output, _ a: Input, _ b: Input, _ activation: Activation, _ count: Int) {
    forEachVector(count) { offset in
        store(load(a + offset) + load(b + offset), output + offset)
    } tail: { offset, rest in
        store(load(a + offset, count: rest) + load(b + offset, count: rest), output + offset, count: rest)
    }
    activate(output, Input(output), activation, count)
}

/// output [rows, channels] = activation(input * scale [channels] + shift [channels]).
func affine(
    _ output: Output, _ input: Input, _ scale: Input, _ shift: Input, _ activation: Activation, _ rows: Int,
    _ channels: Int
) {
    for row in 0..<rows {
        let (source, target) = (input + row &* channels, output + row &* channels)
        forEachVector(channels) { offset in
            store(multiplyAdd(load(shift + offset), load(source + offset), load(scale + offset)), target + offset)
        } tail: { offset, rest in
            let value = multiplyAdd(
                load(shift + offset, count: rest), load(source + offset, count: rest), load(scale + offset, count: rest))
            store(value, target + offset, count: rest)
        }
        activate(target, Input(target), activation, channels)
    }
}

/// output [rows, channels] = input * scale [channels].
func scaleChannels(_ output: Output, _ input: Input, _ scale: Input, _ rows: Int, _ channels: Int) {
    for row in 0..<rows {
        let (source, target) = (input + row &* channels, output + row &* channels)
        forEachVector(channels) { offset in
            store(load(source + offset) * load(scale + offset), target + offset)
        } tail: { offset, rest in
            store(load(source + offset, count: rest) * load(scale + offset, count: rest), target + offset, count: rest)
        }
    }
}

/// output [channels] = scale * sum of input [rows, channels] over the rows, in ascending order.
func sumRows(_ output: Output, _ input: Input, _ scale: Float, _ rows: Int, _ channels: Int) {
    forEachVector(channels) { offset in
        var sum = Vector.zero
        for row in 0..<rows { sum += load(input + (row &* channels &+ offset)) }
        store(sum * splat(scale), output + offset)
    } tail: { offset, rest in
        var sum = Vector.zero
        for row in 0..<rows { sum += load(input + (row &* channels &+ offset), count: rest) }
        store(sum * splat(scale), output + offset, count: rest)
    }
}

/// output [columns, rows] = input [rows, columns], turned over its diagonal.
func transpose(_ output: Output, _ input: Input, _ rows: Int, _ columns: Int) {
    // Blocks of 16 keep both sides' cache lines in use.
    var firstColumn = 0
    while firstColumn < columns {
        let columnEnd = min(columns, firstColumn &+ 16)
        for row in 0..<rows {
            let source = input + row &* columns
            var column = firstColumn
            while column < columnEnd {
                output[column &* rows &+ row] = source[column]
                column &+= 1
            }
        }
        firstColumn = columnEnd
    }
}
