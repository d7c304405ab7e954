// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED && KERNELS_AVX2

import Builtin
import _Builtin_intrinsics.intel

typealias Lanes = SIMD8<Float>
typealias IntLanes = SIMD8<Int32>
typealias DoubleLanes = SIMD4<Double>
/// Values in one vector, and columns in one panel of a packed matrix.
let laneCount = 8

@_transparent
private func mask(_ count: Int) -> SIMD4<Int64> {
    let lanes = IntLanes(0, 1, 2, 3, 4, 5, 6, 7) &- IntLanes(repeating: Int32(truncatingIfNeeded: count))
    return unsafeBitCast(lanes, to: SIMD4<Int64>.self)
}

/// The first `count` lanes from memory, zeros in the others.
@_transparent
func load(_ source: UnsafePointer<Float>, count: Int) -> Lanes {
    _mm256_maskload_ps(source, mask(count))
}

/// Writes the first `count` lanes, which are at least one.
@_transparent
func store(_ value: Lanes, _ target: UnsafeMutablePointer<Float>, count: Int) {
    _mm256_maskstore_ps(target, mask(count), value)
}

/// Brings the cache line at an address, which need not be readable, to L2.
///
/// The intrinsic of the C headers is of no use: the compiler takes it for a call without effect, and drops it.
@_transparent
func prefetch(_ address: UnsafePointer<Float>) {
    // In LLVM's words: to read, used again soon but not at once, data.
    Builtin.int_prefetch_RawPointer(
        address._rawValue, Builtin.trunc_Int64_Int32((0)._value), Builtin.trunc_Int64_Int32((2)._value),
        Builtin.trunc_Int64_Int32((1)._value))
}

@_transparent func + (a: Lanes, b: Lanes) -> Lanes { _mm256_add_ps(a, b) }
@_transparent func - (a: Lanes, b: Lanes) -> Lanes { _mm256_sub_ps(a, b) }
@_transparent func * (a: Lanes, b: Lanes) -> Lanes { _mm256_mul_ps(a, b) }
@_transparent func / (a: Lanes, b: Lanes) -> Lanes { _mm256_div_ps(a, b) }

/// sum + a * b, rounded once.
@_transparent
func multiplyAdd(_ sum: Lanes, _ a: Lanes, _ b: Lanes) -> Lanes { _mm256_fmadd_ps(a, b, sum) }

@_transparent func squareRoot(_ value: Lanes) -> Lanes { _mm256_sqrt_ps(value) }

/// 1 / value, within 2 units in the last place; 0 for infinity, NaN for NaN: the processor's estimate and one step of
/// Newton's method, a fraction of a division's time.
@_transparent
func reciprocal(_ value: Lanes) -> Lanes {
    let estimate = _mm256_rcp_ps(value)
    let error = multiplyAdd(all(1), -value, estimate)
    // Infinity times its estimate is NaN: then the correction is -1, which leaves 0.
    let correction = all(-1).replacing(with: error, where: error .> all(-1))
    return multiplyAdd(estimate, estimate, correction)
}

/// For each lane the value in its place, of `count` values in memory: at most a vector.
@_transparent
func pick(_ source: UnsafePointer<Float>, _ places: IntLanes, of count: Int) -> Lanes {
    _mm256_permutevar8x32_ps(load(source, count: count), unsafeBitCast(places, to: SIMD4<Int64>.self))
}

/// For each lane the value in its place, of `count` values in memory: one to two vectors.
@_transparent
func pickWide(_ source: UnsafePointer<Float>, _ places: IntLanes, of count: Int) -> Lanes {
    let index = unsafeBitCast(places, to: SIMD4<Int64>.self)
    let low = _mm256_permutevar8x32_ps(load(source), index)
    let high = _mm256_permutevar8x32_ps(load(source + laneCount, count: count - laneCount), index)
    return low.replacing(with: high, where: places .> IntLanes(repeating: 7))
}

/// For each lane the one that its index names, of three vectors' lanes one after the other.
@_transparent
func lookUp(_ table: (Lanes, Lanes, Lanes), _ index: IntLanes) -> Lanes {
    let places = unsafeBitCast(index, to: SIMD4<Int64>.self)
    return _mm256_permutevar8x32_ps(table.0, places)
        .replacing(with: _mm256_permutevar8x32_ps(table.1, places), where: index .> IntLanes(repeating: 7))
        .replacing(with: _mm256_permutevar8x32_ps(table.2, places), where: index .> IntLanes(repeating: 15))
}

/// The halves' halves in the order 0 2 1 3: the processor zips the halves of a vector apart.
@_transparent
private func crossed(_ a: Lanes) -> Lanes {
    _mm256_permutevar8x32_ps(a, unsafeBitCast(IntLanes(0, 1, 4, 5, 2, 3, 6, 7), to: SIMD4<Int64>.self))
}

@_transparent
func zipLow(_ a: Lanes, _ b: Lanes) -> Lanes { _mm256_unpacklo_ps(crossed(a), crossed(b)) }

@_transparent
func zipHigh(_ a: Lanes, _ b: Lanes) -> Lanes { _mm256_unpackhi_ps(crossed(a), crossed(b)) }

#endif
