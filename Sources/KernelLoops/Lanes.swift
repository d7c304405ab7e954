// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

// The vector alphabet of one instruction set: everything else in this folder is written in these few words, so that one
// source compiles to SSE2 or NEON, to AVX2 and to AVX-512.
//
// All functions on vectors are transparent: a call that is not inlined passes a vector through memory, and a shared
// generic function of the standard library could be linked from another level's object.

#if KERNELS_AVX512
import Builtin
import _Builtin_intrinsics.intel

typealias Lanes = SIMD16<Float>
typealias IntLanes = SIMD16<Int32>
typealias DoubleLanes = SIMD8<Double>
/// Values in one vector, and columns in one panel of a packed matrix.
let laneCount = 16
#elseif KERNELS_AVX2
import Builtin
import _Builtin_intrinsics.intel

typealias Lanes = SIMD8<Float>
typealias IntLanes = SIMD8<Int32>
typealias DoubleLanes = SIMD4<Double>
/// Values in one vector, and columns in one panel of a packed matrix.
let laneCount = 8
#else
#if arch(x86_64)
import _Builtin_intrinsics.intel
#endif

typealias Lanes = SIMD4<Float>
typealias IntLanes = SIMD4<Int32>
typealias DoubleLanes = SIMD2<Double>
/// Values in one vector, and columns in one panel of a packed matrix.
let laneCount = 4
#endif

@_transparent
func load(_ source: UnsafePointer<Float>) -> Lanes {
    UnsafeRawPointer(source).loadUnaligned(as: Lanes.self)
}

@_transparent
func store(_ value: Lanes, _ target: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(target).storeBytes(of: value, as: Lanes.self)
}

#if KERNELS_AVX512
/// The first `count` lanes from memory, zeros in the others.
@_transparent
func load(_ source: UnsafePointer<Float>, count: Int) -> Lanes {
    _mm512_maskz_loadu_ps(UInt16(truncatingIfNeeded: (1 &<< count) &- 1), source)
}

/// Writes the first `count` lanes, which are at least one.
@_transparent
func store(_ value: Lanes, _ target: UnsafeMutablePointer<Float>, count: Int) {
    _mm512_mask_storeu_ps(target, UInt16(truncatingIfNeeded: (1 &<< count) &- 1), value)
}
#elseif KERNELS_AVX2
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
#else
/// The first `count` lanes from memory, zeros in the others.
@_transparent
func load(_ source: UnsafePointer<Float>, count: Int) -> Lanes {
    var value = Lanes(repeating: 0)
    if count > 0 { value[0] = source[0] }
    if count > 1 { value[1] = source[1] }
    if count > 2 { value[2] = source[2] }
    if count > 3 { value[3] = source[3] }
    return value
}

/// Writes the first `count` lanes, which are at least one.
@_transparent
func store(_ value: Lanes, _ target: UnsafeMutablePointer<Float>, count: Int) {
    target[0] = value[0]
    if count > 1 { target[1] = value[1] }
    if count > 2 { target[2] = value[2] }
    if count > 3 { target[3] = value[3] }
}
#endif

#if KERNELS_AVX512 || KERNELS_AVX2
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
#else
/// Where no instruction is at hand, the processor's own foresight must do.
@_transparent
func prefetch(_ address: UnsafePointer<Float>) {}
#endif

// The standard library's operators are loops over lanes that the optimiser mostly, but not always, turns into one
// instruction; these are the instruction.

#if KERNELS_AVX512
@_transparent func + (a: Lanes, b: Lanes) -> Lanes { _mm512_add_ps(a, b) }
@_transparent func - (a: Lanes, b: Lanes) -> Lanes { _mm512_sub_ps(a, b) }
@_transparent func * (a: Lanes, b: Lanes) -> Lanes { _mm512_mul_ps(a, b) }
@_transparent func / (a: Lanes, b: Lanes) -> Lanes { _mm512_div_ps(a, b) }

/// sum + a * b, rounded once.
@_transparent
func multiplyAdd(_ sum: Lanes, _ a: Lanes, _ b: Lanes) -> Lanes { _mm512_fmadd_ps(a, b, sum) }
#elseif KERNELS_AVX2
@_transparent func + (a: Lanes, b: Lanes) -> Lanes { _mm256_add_ps(a, b) }
@_transparent func - (a: Lanes, b: Lanes) -> Lanes { _mm256_sub_ps(a, b) }
@_transparent func * (a: Lanes, b: Lanes) -> Lanes { _mm256_mul_ps(a, b) }
@_transparent func / (a: Lanes, b: Lanes) -> Lanes { _mm256_div_ps(a, b) }

/// sum + a * b, rounded once.
@_transparent
func multiplyAdd(_ sum: Lanes, _ a: Lanes, _ b: Lanes) -> Lanes { _mm256_fmadd_ps(a, b, sum) }
#else
#if arch(x86_64)
@_transparent func + (a: Lanes, b: Lanes) -> Lanes { _mm_add_ps(a, b) }
@_transparent func - (a: Lanes, b: Lanes) -> Lanes { _mm_sub_ps(a, b) }
@_transparent func * (a: Lanes, b: Lanes) -> Lanes { _mm_mul_ps(a, b) }
@_transparent func / (a: Lanes, b: Lanes) -> Lanes { _mm_div_ps(a, b) }
#endif

/// sum + a * b, rounded twice: without the instruction, rounding once is a call of the C library for each lane.
@_transparent
func multiplyAdd(_ sum: Lanes, _ a: Lanes, _ b: Lanes) -> Lanes { sum + a * b }
#endif

#if KERNELS_AVX512
@_transparent func squareRoot(_ value: Lanes) -> Lanes { _mm512_sqrt_ps(value) }
#elseif KERNELS_AVX2
@_transparent func squareRoot(_ value: Lanes) -> Lanes { _mm256_sqrt_ps(value) }
#elseif arch(x86_64)
@_transparent func squareRoot(_ value: Lanes) -> Lanes { _mm_sqrt_ps(value) }
#else
@_transparent func squareRoot(_ value: Lanes) -> Lanes { value.squareRoot() }
#endif

/// a with the other sign.
@_transparent
prefix func - (a: Lanes) -> Lanes { lanes(bits(a) ^ IntLanes(repeating: Int32.min)) }

#if KERNELS_AVX512
/// For each lane the entry of a table of 32 that its lowest five bits name.
@_transparent
func lookUp(_ table: (Lanes, Lanes), _ index: IntLanes) -> Lanes {
    _mm512_permutex2var_ps(table.0, unsafeBitCast(index, to: SIMD8<Int64>.self), table.1)
}
#else
/// 1 / value, within 2 units in the last place; 0 for infinity, NaN for NaN. With AVX2 the processor's estimate and one
/// step of Newton's method, a fraction of a division's time.
@_transparent
func reciprocal(_ value: Lanes) -> Lanes {
    #if KERNELS_AVX2
    let estimate = _mm256_rcp_ps(value)
    let error = multiplyAdd(all(1), -value, estimate)
    // Infinity times its estimate is NaN: then the correction is -1, which leaves 0.
    let correction = all(-1).replacing(with: error, where: error .> all(-1))
    return multiplyAdd(estimate, estimate, correction)
    #else
    return all(1) / value
    #endif
}
#endif

#if KERNELS_AVX512
/// For each lane the value in its place, of `count` values in memory: at most a vector.
@_transparent
func pick(_ source: UnsafePointer<Float>, _ places: IntLanes, of count: Int) -> Lanes {
    let values = load(source, count: count)
    return lookUp((values, values), places)
}

/// For each lane the value in its place, of `count` values in memory: one to two vectors.
@_transparent
func pickWide(_ source: UnsafePointer<Float>, _ places: IntLanes, of count: Int) -> Lanes {
    lookUp((load(source), load(source + laneCount, count: count - laneCount)), places)
}
#elseif KERNELS_AVX2
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
#else
/// For each lane the value in its place, of `count` values in memory.
@_transparent
func pick(_ source: UnsafePointer<Float>, _ places: IntLanes, of count: Int) -> Lanes {
    Lanes(source[Int(places[0])], source[Int(places[1])], source[Int(places[2])], source[Int(places[3])])
}

/// For each lane the value in its place, of `count` values in memory.
@_transparent
func pickWide(_ source: UnsafePointer<Float>, _ places: IntLanes, of count: Int) -> Lanes {
    pick(source, places, of: count)
}
#endif

#if KERNELS_AVX512
/// For each lane the one that its index names, of three vectors' lanes one after the other.
@_transparent
func lookUp(_ table: (Lanes, Lanes, Lanes), _ index: IntLanes) -> Lanes {
    lookUp((table.0, table.1), index).replacing(
        with: lookUp((table.2, table.2), index), where: index .> IntLanes(repeating: 31))
}
#elseif KERNELS_AVX2
/// For each lane the one that its index names, of three vectors' lanes one after the other.
@_transparent
func lookUp(_ table: (Lanes, Lanes, Lanes), _ index: IntLanes) -> Lanes {
    let places = unsafeBitCast(index, to: SIMD4<Int64>.self)
    return _mm256_permutevar8x32_ps(table.0, places)
        .replacing(with: _mm256_permutevar8x32_ps(table.1, places), where: index .> IntLanes(repeating: 7))
        .replacing(with: _mm256_permutevar8x32_ps(table.2, places), where: index .> IntLanes(repeating: 15))
}
#endif

// A zip interleaves two vectors, a0 b0 a1 b1 ...: the low one their first halves, the high one their second.

#if KERNELS_AVX512
@_transparent
func zipLow(_ a: Lanes, _ b: Lanes) -> Lanes {
    lookUp((a, b), IntLanes(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23))
}

@_transparent
func zipHigh(_ a: Lanes, _ b: Lanes) -> Lanes {
    lookUp((a, b), IntLanes(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31))
}
#elseif KERNELS_AVX2
/// The halves' halves in the order 0 2 1 3: the processor zips the halves of a vector apart.
@_transparent
private func crossed(_ a: Lanes) -> Lanes {
    _mm256_permutevar8x32_ps(a, unsafeBitCast(IntLanes(0, 1, 4, 5, 2, 3, 6, 7), to: SIMD4<Int64>.self))
}

@_transparent
func zipLow(_ a: Lanes, _ b: Lanes) -> Lanes { _mm256_unpacklo_ps(crossed(a), crossed(b)) }

@_transparent
func zipHigh(_ a: Lanes, _ b: Lanes) -> Lanes { _mm256_unpackhi_ps(crossed(a), crossed(b)) }
#else
@_transparent
func zipLow(_ a: Lanes, _ b: Lanes) -> Lanes { Lanes(a[0], b[0], a[1], b[1]) }

@_transparent
func zipHigh(_ a: Lanes, _ b: Lanes) -> Lanes { Lanes(a[2], b[2], a[3], b[3]) }
#endif

/// The larger of each two lanes; NaN in `a` stays.
@_transparent
func larger(_ a: Lanes, _ bound: Float) -> Lanes {
    a.replacing(with: Lanes(repeating: bound), where: a .< Lanes(repeating: bound))
}

/// The smaller of each two lanes; NaN in `a` stays.
@_transparent
func smaller(_ a: Lanes, _ bound: Float) -> Lanes {
    a.replacing(with: Lanes(repeating: bound), where: a .> Lanes(repeating: bound))
}

/// All lanes added, in one order on every level that has as many lanes.
@_transparent
func sum(_ value: Lanes) -> Float {
    var total = value[0]
    for lane in 1..<laneCount { total = total + value[lane] }
    return total
}

@_transparent
func bits(_ value: Lanes) -> IntLanes { unsafeBitCast(value, to: IntLanes.self) }

@_transparent
func lanes(_ bits: IntLanes) -> Lanes { unsafeBitCast(bits, to: Lanes.self) }

/// A constant in all lanes.
@_transparent
func all(_ value: Float) -> Lanes { Lanes(repeating: value) }

/// The two values at an address, by turns in all lanes.
@_transparent
func allPairs(_ source: UnsafePointer<Float>) -> Lanes {
    let pair = UnsafeRawPointer(source).loadUnaligned(as: Double.self)
    return unsafeBitCast(DoubleLanes(repeating: pair), to: Lanes.self)
}

/// Lanes 0, 2, 4 and so on of both vectors.
@_transparent
func evenLanes(_ a: Lanes, _ b: Lanes) -> Lanes { Lanes(lowHalf: a.evenHalf, highHalf: b.evenHalf) }

/// The sums of lanes 0 and 1, of lanes 2 and 3 and so on, in the first half of the lanes.
@_transparent
func sumsOfPairs(_ value: Lanes) -> Lanes {
    Lanes(lowHalf: value.evenHalf, highHalf: value.evenHalf) + Lanes(lowHalf: value.oddHalf, highHalf: value.oddHalf)
}

/// `count` lanes, which mostly are all.
@_transparent
func loadAny(_ source: UnsafePointer<Float>, _ count: Int) -> Lanes {
    count == laneCount ? load(source) : load(source, count: count)
}

/// Writes `count` lanes, which mostly are all.
@_transparent
func storeAny(_ value: Lanes, _ target: UnsafeMutablePointer<Float>, _ count: Int) {
    if count == laneCount { store(value, target) } else { store(value, target, count: count) }
}

#endif
