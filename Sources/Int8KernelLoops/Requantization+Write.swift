// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

// How integer sums become outputs, for all kernels that multiply. One operation after the other, each rounded by itself: a fused
// multiply-add would round otherwise than the level without it.

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
    /// Writes a block of sums; all but its table, unless tables stand in registers.
    ///
    /// - Parameters:
    ///   - sums: With their columns' biases.
    ///   - place: Where the first goes, from the output on.
    ///   - count: Columns that there are.
    @inline(__always)
    func write(
        _ sums: InlineArray<4, Words>, _ factors: BlockFactors, to output: Int8Output, _ place: Int,
        residual residualPlace: Int, _ count: Int
    ) {
        var values = InlineArray<4, Lanes>(repeating: all(Float(0)))
        for vector in 0..<4 { values[vector] = floats(sums[vector]) * factors.multiplier[vector] }
        if let residual {
            var others = Block.widened(bytes(residual + residualPlace, count))
            // As it is after a ReLU.
            if residualZero != 0 {
                for vector in 0..<4 { others.words[vector] = subtract(others.words[vector], all(residualZero)) }
            }
            for vector in 0..<4 {
                values[vector] = values[vector] + floats(others.words[vector]) * all(residualMultiplier)
            }
        }
        switch output {
        case .floats(let target):
            for vector in 0..<4 {
                store(held(values[vector], all(low), all(high)), ofBlock: vector, target + place, count)
            }
        case .bytes(let target):
            var whole = block(values)
            if Table.standsInRegisters, let table { whole = Table(table).picks(whole) }
            if count == blockLength {
                storeBlock(whole, target + place)
            } else {
                storeBlock(whole, target + place, count)
            }
        }
    }

    /// Values as bytes, held within the bounds.
    @inline(__always)
    private func block(_ values: InlineArray<4, Lanes>) -> Words {
        var words = InlineArray<4, Words>(repeating: all(Int32(0)))
        // Where the lower bound is a byte's, bytes hold it themselves.
        if roundedHoldsLow && low == -Float(zero) {
            for vector in 0..<4 { words[vector] = rounded(held(values[vector], all(high))) }
        } else {
            for vector in 0..<4 { words[vector] = rounded(held(values[vector], all(low), all(high))) }
        }
        return Block(words[0], words[1], words[2], words[3]).narrow(plus: zero)
    }

    /// A vector of sums as multiples of the output's step, held within the bounds.
    ///
    /// - Parameters:
    ///   - sum: With the columns' biases.
    ///   - place: Where the first of its residuals stands.
    ///   - count: Columns that there are.
    @inline(__always)
    func scaled(_ sum: Words, _ multiplier: Lanes, place: Int, _ count: Int) -> Lanes {
        var value = floats(sum) * multiplier
        if let residual {
            let other =
                count == laneCount
                ? loadBytes(residual + place) : loadBytes(residual + place, count)
            value = value + floats(subtract(other, all(residualZero))) * all(residualMultiplier)
        }
        return held(value, all(low), all(high))
    }

    /// Writes a vector of sums, all but its table.
    ///
    /// - Parameters:
    ///   - sum: With the columns' biases.
    ///   - place: Where the first goes, from the output on.
    @inline(__always)
    func write(
        _ sum: Words, _ multiplier: Lanes, to output: Int8Output, _ place: Int, residual residualPlace: Int,
        _ count: Int
    ) {
        let value = scaled(sum, multiplier, place: residualPlace, count)
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
                storeBytes(words, target + place, count)
            }
        }
    }
}

/// Stores the lanes of one of a block's four vectors where they belong among the block's `count` values.
@inline(__always)
private func store(
    _ lanes: Lanes, ofBlock vector: Int, _ target: UnsafeMutablePointer<Float>, _ count: Int
) {
    withUnsafeBytes(of: lanes) { lanes in
        for lane in stride(from: 0, to: laneCount, by: 4) {
            let place = Block.place(vector: vector, lane: lane)
            if place + 4 <= count {
                UnsafeMutableRawPointer(target + place).storeBytes(
                    of: lanes.loadUnaligned(fromByteOffset: 4 * lane, as: SIMD4<Float>.self), as: SIMD4<Float>.self)
            } else {
                for index in 0..<max(0, count - place) {
                    target[place + index] = lanes.loadUnaligned(fromByteOffset: 4 * (lane + index), as: Float.self)
                }
            }
        }
    }
}

#endif
