// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED && KERNELS_PORTABLE

#if arch(x86_64)
import _Builtin_intrinsics.intel
#endif

typealias Lanes = SIMD4<Float>
typealias IntLanes = SIMD4<Int32>
typealias DoubleLanes = SIMD2<Double>
/// Values in one vector, and columns in one panel of a packed matrix.
let laneCount = 4

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

/// Where no instruction is at hand, the processor's own foresight must do.
@_transparent
func prefetch(_ address: UnsafePointer<Float>) {}

#if arch(x86_64)
@_transparent func + (a: Lanes, b: Lanes) -> Lanes { _mm_add_ps(a, b) }
@_transparent func - (a: Lanes, b: Lanes) -> Lanes { _mm_sub_ps(a, b) }
@_transparent func * (a: Lanes, b: Lanes) -> Lanes { _mm_mul_ps(a, b) }
@_transparent func / (a: Lanes, b: Lanes) -> Lanes { _mm_div_ps(a, b) }
#endif

/// sum + a * b, rounded twice: without the instruction, rounding once is a call of the C library for each lane.
@_transparent
func multiplyAdd(_ sum: Lanes, _ a: Lanes, _ b: Lanes) -> Lanes { sum + a * b }

#if arch(x86_64)
@_transparent func squareRoot(_ value: Lanes) -> Lanes { _mm_sqrt_ps(value) }
#else
@_transparent func squareRoot(_ value: Lanes) -> Lanes { value.squareRoot() }
#endif

/// 1 / value; 0 for infinity, NaN for NaN.
@_transparent
func reciprocal(_ value: Lanes) -> Lanes { all(1) / value }

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

@_transparent
func zipLow(_ a: Lanes, _ b: Lanes) -> Lanes { Lanes(a[0], b[0], a[1], b[1]) }

@_transparent
func zipHigh(_ a: Lanes, _ b: Lanes) -> Lanes { Lanes(a[2], b[2], a[3], b[3]) }

#endif
