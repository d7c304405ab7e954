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

extension Requantization {
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

    /// Writes a vector of sums.
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
            if let table {
                for index in place..<place + count { target[index] = table[Int(target[index])] }
            }
        }
    }
}

#endif
