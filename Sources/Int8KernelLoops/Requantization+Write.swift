// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

// How integer sums become outputs, for all kernels that multiply. One operation after the other, each rounded by itself: a fused
// multiply-add would round otherwise than the level without it.

/// What a vector of columns needs of a requantisation.
struct ColumnFactors {
    let bias: Words
    let multiplier: Lanes

    @inline(__always)
    init(_ requantization: Requantization, column: Int) {
        bias = load(requantization.bias + column)
        multiplier = load(requantization.multiplier + column)
    }
}

/// What a block of columns needs of a requantisation.
struct BlockFactors {
    var bias = InlineArray<4, Words>(repeating: all(Int32(0)))
    var multiplier = InlineArray<4, Lanes>(repeating: all(Float(0)))

    @inline(__always)
    init(_ requantization: Requantization, column: Int) {
        for vector in 0..<4 {
            bias[vector] = everyFourth(requantization.bias + column + 4 * vector)
            let multipliers = UnsafeRawPointer(requantization.multiplier + column + 4 * vector)
            multiplier[vector] = unsafeBitCast(
                everyFourth(multipliers.assumingMemoryBound(to: Int32.self)), to: Lanes.self)
        }
    }
}

/// Some of a block's bytes.
@inline(__always)
func bytes(_ source: Bytes, _ count: Int) -> Words {
    count == blockLength ? loadBlock(source) : loadBlock(source, count)
}

extension Requantization {
    /// Writes a block of sums, all but its table.
    ///
    /// - Parameters:
    ///   - place: Where the first goes, from the output on.
    ///   - count: Columns that there are.
    @inline(__always)
    func write(
        _ sums: InlineArray<4, Words>, _ factors: BlockFactors, to output: Int8Output, _ place: Int,
        residual residualPlace: Int, _ count: Int
    ) {
        var values = InlineArray<4, Lanes>(repeating: all(Float(0)))
        for vector in 0..<4 {
            values[vector] = floats(add(sums[vector], factors.bias[vector])) * factors.multiplier[vector]
        }
        if let residual {
            let others = Block.widened(bytes(residual + residualPlace, count))
            for vector in 0..<4 {
                values[vector] =
                    values[vector]
                    + floats(subtract(others.words[vector], all(residualZero))) * all(residualMultiplier)
            }
        }
        for vector in 0..<4 { values[vector] = held(values[vector], all(low), all(high)) }
        switch output {
        case .floats(let target):
            for vector in 0..<4 {
                withUnsafeBytes(of: values[vector]) { lanes in
                    for lane in 0..<laneCount where Block.place(vector: vector, lane: lane) < count {
                        target[place + Block.place(vector: vector, lane: lane)] = lanes.load(
                            fromByteOffset: 4 * lane, as: Float.self)
                    }
                }
            }
        case .bytes(let target):
            let block = Block(
                add(rounded(values[0]), all(zero)), add(rounded(values[1]), all(zero)),
                add(rounded(values[2]), all(zero)), add(rounded(values[3]), all(zero)))
            if count == blockLength {
                storeBlock(block.narrow, target + place)
            } else {
                storeBlock(block.narrow, target + place, count)
            }
        }
    }

    /// A vector of sums as multiples of the output's step, held within the bounds.
    ///
    /// - Parameters:
    ///   - place: Where the first of its residuals stands.
    ///   - count: Columns that there are.
    @inline(__always)
    func scaled(_ sum: Words, _ factors: ColumnFactors, place: Int, _ count: Int) -> Lanes {
        var value = floats(add(sum, factors.bias)) * factors.multiplier
        if let residual {
            let other =
                count == laneCount
                ? loadBytes(residual + place) : Partial.loadBytes(residual + place, count: count)
            value = value + floats(subtract(other, all(residualZero))) * all(residualMultiplier)
        }
        return held(value, all(low), all(high))
    }

    /// Writes a vector of sums, all but its table.
    ///
    /// - Parameter place: Where the first goes, from the output on.
    @inline(__always)
    func write(
        _ sum: Words, _ factors: ColumnFactors, to output: Int8Output, _ place: Int, residual residualPlace: Int,
        _ count: Int
    ) {
        let value = scaled(sum, factors, place: residualPlace, count)
        switch output {
        case .floats(let target):
            if count == laneCount {
                store(value, target + place)
            } else {
                Partial.store(value, target + place, count: count)
            }
        case .bytes(let target):
            let words = add(rounded(value), all(zero))
            if count == laneCount {
                storeBytes(words, target + place)
            } else {
                Partial.storeBytes(words, target + place, count: count)
            }
        }
    }
}

#endif
