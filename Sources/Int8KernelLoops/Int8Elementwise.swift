// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

// Functions of each value, in whole vectors and a last one that is not.

@inline(__always)
private func load(_ source: Bytes, _ count: Int) -> Words {
    count == laneCount ? loadBytes(source) : Partial.loadBytes(source, count: count)
}

@inline(__always)
private func store(_ value: Lanes, _ range: Int8Range, _ target: UnsafeMutablePointer<UInt8>, _ count: Int) {
    let words = add(rounded(held(value, all(range.low), all(range.high))), all(range.zero))
    if count == laneCount { storeBytes(words, target) } else { Partial.storeBytes(words, target, count: count) }
}

/// Calls `body` for each vector: its place, and how many values it has.
@inline(__always)
private func forEachVector(_ count: Int, _ body: (_ place: Int, _ count: Int) -> Void) {
    var place = 0
    while place + laneCount <= count {
        body(place, laneCount)
        place += laneCount
    }
    if place < count { body(place, count - place) }
}

func addBytes(
    _ output: UnsafeMutablePointer<UInt8>, _ a: Int8Operand, _ b: Int8Operand, _ range: Int8Range, _ count: Int
) {
    forEachVector(count) { place, count in
        let left = floats(subtract(load(a.values + place, count), all(a.zero))) * all(a.multiplier)
        let right = floats(subtract(load(b.values + place, count), all(b.zero))) * all(b.multiplier)
        store(left + right, range, output + place, count)
    }
}

func scaleBytes(
    _ output: UnsafeMutablePointer<UInt8>, _ a: Int8Operand, _ b: Int8Operand, _ range: Int8Range, _ rows: Int,
    _ columns: Int
) {
    for row in 0..<rows {
        let (source, target) = (a.values + row * columns, output + row * columns)
        forEachVector(columns) { place, count in
            let left = subtract(load(source + place, count), all(a.zero))
            let right = subtract(load(b.values + place, count), all(b.zero))
            store(floats(multiply(left, right)) * all(a.multiplier), range, target + place, count)
        }
    }
}

func lookUp(_ output: UnsafeMutablePointer<UInt8>, _ input: Bytes, _ table: Bytes, _ count: Int) {
    for place in 0..<count { output[place] = table[Int(input[place])] }
}

func quantize(
    _ output: UnsafeMutablePointer<UInt8>, _ input: Input, _ scale: Float, _ range: Int8Range, _ count: Int
) {
    forEachVector(count) { place, count in
        let value = (count == laneCount ? load(input + place) : Partial.load(input + place, count: count)) / all(scale)
        // NaN is not equal to itself.
        store(all(Float(0)).replacing(with: value, where: value .== value), range, output + place, count)
    }
}

func dequantize(_ output: Output, _ input: Bytes, _ scale: Float, _ zero: Int32, _ count: Int) {
    forEachVector(count) { place, count in
        let value = floats(subtract(load(input + place, count), all(zero))) * all(scale)
        if count == laneCount {
            store(value, output + place)
        } else {
            Partial.store(value, output + place, count: count)
        }
    }
}

#endif
