// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

// Functions of each value, in whole vectors and a last one that is not.

@inline(__always)
private func load(_ source: Bytes, _ count: Int) -> Words {
    count == laneCount ? loadBytes(source) : loadBytes(source, count)
}

@inline(__always)
private func store(_ value: Lanes, _ range: Int8Range, _ target: UnsafeMutablePointer<UInt8>, _ count: Int) {
    let words = add(rounded(held(value, all(range.low), all(range.high))), all(range.zero))
    if count == laneCount { storeBytes(words, target) } else { storeBytes(words, target, count) }
}

/// Calls `body` for each `length` of values, a vector's or a block's, and for those that are left: their place, and how many they are.
@inline(__always)
private func forEach(_ length: Int, of count: Int, _ body: (_ place: Int, _ count: Int) -> Void) {
    var place = 0
    while place + length <= count {
        body(place, length)
        place += length
    }
    if place < count { body(place, count - place) }
}

@inline(__always)
private func store(_ block: Words, _ target: UnsafeMutablePointer<UInt8>, _ count: Int) {
    if count == blockLength { storeBlock(block, target) } else { storeBlock(block, target, count) }
}

/// Values as steps of a range, before its zero point is added.
@inline(__always)
private func steps(_ value: Lanes, _ range: Int8Range) -> Words {
    rounded(held(value, all(range.low), all(range.high)))
}

func addBytes(
    _ output: UnsafeMutablePointer<UInt8>, _ a: Int8Operand, _ b: Int8Operand, _ range: Int8Range, _ count: Int
) {
    forEach(blockLength, of: count) { place, count in
        var left = Block.widened(bytes(a.values + place, count))
        let right = Block.widened(bytes(b.values + place, count))
        for vector in 0..<4 {
            let sum =
                floats(subtract(left.words[vector], all(a.zero))) * all(a.multiplier)
                + floats(subtract(right.words[vector], all(b.zero))) * all(b.multiplier)
            left.words[vector] = steps(sum, range)
        }
        store(left.narrow(plus: range.zero), output + place, count)
    }
}

func scaleBytes(
    _ output: UnsafeMutablePointer<UInt8>, _ a: Int8Operand, _ b: Int8Operand, _ range: Int8Range, _ rows: Int,
    _ columns: Int
) {
    guard rows > 1, 2 * columns <= blockLength else {
        return scaleRows(output, a, b, b.values, range, rows, columns)
    }
    // Several rows fill a block: their factors stand one after the other.
    let together = blockLength / columns
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: blockLength) { factors in
        for index in 0..<together * columns { factors[index] = b.values[index % columns] }
        guard let repeated = UnsafePointer(factors.baseAddress) else { return }
        scaleRows(output, a, b, repeated, range, rows / together, together * columns)
        let done = rows / together * together * columns
        let rest = Int8Operand(a.values + done, zero: a.zero, multiplier: a.multiplier)
        scaleRows(output + done, rest, b, b.values, range, rows % together, columns)
    }
}

/// - Parameter factors: What stands for b's values.
@inline(__always)
private func scaleRows(
    _ output: UnsafeMutablePointer<UInt8>, _ a: Int8Operand, _ b: Int8Operand, _ factors: Bytes, _ range: Int8Range,
    _ rows: Int, _ columns: Int
) {
    forEach(blockLength, of: columns) { place, count in
        var right = Block.widened(bytes(factors + place, count))
        for vector in 0..<4 { right.words[vector] = subtract(right.words[vector], all(b.zero)) }
        for row in 0..<rows {
            let position = row * columns + place
            var left = Block.widened(bytes(a.values + position, count))
            for vector in 0..<4 {
                let product = multiply(subtract(left.words[vector], all(a.zero)), right.words[vector])
                left.words[vector] = steps(floats(product) * all(a.multiplier), range)
            }
            store(left.narrow(plus: range.zero), output + position, count)
        }
    }
}

func lookUp(_ output: UnsafeMutablePointer<UInt8>, _ input: Bytes, _ table: Bytes, _ count: Int) {
    lookUp(output, input, Table(table), count)
}

/// In place, in rows that stand `stride` bytes apart.
func lookUp(_ values: UnsafeMutablePointer<UInt8>, stride: Int, rows: Int, columns: Int, _ table: Bytes) {
    let table = Table(table)
    if stride == columns {
        lookUp(values, values, table, rows * columns)
    } else {
        for row in 0..<rows { lookUp(values + row * stride, values + row * stride, table, columns) }
    }
}

@inline(__always)
private func lookUp(_ output: UnsafeMutablePointer<UInt8>, _ input: Bytes, _ table: Table, _ count: Int) {
    forEach(blockLength, of: count) { place, count in
        store(table.picks(bytes(input + place, count)), output + place, count)
    }
}

func quantize(
    _ output: UnsafeMutablePointer<UInt8>, _ input: Input, _ scale: Float, _ range: Int8Range, _ count: Int
) {
    forEach(laneCount, of: count) { place, count in
        let value = (count == laneCount ? load(input + place) : Partial.load(input + place, count: count)) / all(scale)
        // NaN is not equal to itself.
        store(all(Float(0)).replacing(with: value, where: value .== value), range, output + place, count)
    }
}

func dequantize(_ output: Output, _ input: Bytes, _ scale: Float, _ zero: Int32, _ count: Int) {
    forEach(laneCount, of: count) { place, count in
        let value = floats(subtract(load(input + place, count), all(zero))) * all(scale)
        if count == laneCount {
            store(value, output + place)
        } else {
            Partial.store(value, output + place, count: count)
        }
    }
}

#endif
