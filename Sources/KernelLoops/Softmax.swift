// SPDX-License-Identifier: MIT

import KernelInterface

// Rows [columns], three passes each: the largest value, the exponentials and their sum, the division. The sum is taken in
// ascending order, lane by lane, so that it doesn't depend on the width of vectors more than it must.

/// output [rows, columns]: e^(x - max) / sum.
func softmax(_ output: Output, _ input: Input, _ rows: Int, _ columns: Int) {
    for row in 0..<rows {
        let (source, target) = (input + row &* columns, output + row &* columns)
        let largest = maximum(source, columns)
        map(target, source, columns) { exponential($0 - splat(largest)) }
        let sum = total(Input(target), columns)
        map(target, Input(target), columns) { $0 / splat(sum) }
    }
}

/// output [rows, columns]: x - max - log(sum of e^(x - max)).
func logSoftmax(_ output: Output, _ input: Input, _ rows: Int, _ columns: Int) {
    for row in 0..<rows {
        let (source, target) = (input + row &* columns, output + row &* columns)
        let largest = maximum(source, columns)
        var sum: Float = 0
        forEachVector(columns) { offset in
            let value = exponential(load(source + offset) - splat(largest))
            for lane in 0..<lanes { sum += value[lane] }
        } tail: { offset, rest in
            let value = exponential(load(source + offset, count: rest) - splat(largest))
            for lane in 0..<rest { sum += value[lane] }
        }
        let shift = logarithm(sum)
        map(target, source, columns) { $0 - splat(largest) - splat(shift) }
    }
}

private func maximum(_ values: Input, _ count: Int) -> Float {
    var result = -Float.infinity
    for index in 0..<count {
        let value = values[index]
        // A NaN wins, and stays.
        if value > result || value != value { result = value }
        if result != result { break }
    }
    return result
}

private func total(_ values: Input, _ count: Int) -> Float {
    var sum: Float = 0
    for index in 0..<count { sum += values[index] }
    return sum
}

/// The natural logarithm of a positive number, to a few units in the last place.
///
/// - Source: the reduction and coefficients of Cephes' `logf` (Moshier).
private func logarithm(_ x: Float) -> Float {
    guard x > 0, x < .infinity else { return x == 0 ? -.infinity : x }
    var exponent = Float(Int32(bitPattern: x.bitPattern >> 23) &- 126)
    var fraction = Float(bitPattern: x.bitPattern & 0x007F_FFFF | 0x3F00_0000)
    if fraction < 0.707_106_78 {
        exponent -= 1
        fraction = fraction + fraction - 1
    } else {
        fraction -= 1
    }
    let z = fraction * fraction
    var p: Float = 7.037_683_6e-2
    p = p * fraction - 1.151_461e-1
    p = p * fraction + 1.167_699_87e-1
    p = p * fraction - 1.242_014_08e-1
    p = p * fraction + 1.424_932_28e-1
    p = p * fraction - 1.666_805_77e-1
    p = p * fraction + 2.000_071_48e-1
    p = p * fraction - 2.499_999_4e-1
    p = p * fraction + 3.333_333_1e-1
    let y = fraction * z * p - 2.121_944_4e-4 * exponent - 0.5 * z
    return fraction + y + 0.693_359_375 * exponent
}
