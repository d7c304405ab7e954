// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED && KERNELS_AVX512

import Builtin
import _Builtin_intrinsics.intel

typealias Lanes = SIMD16<Float>
typealias IntLanes = SIMD16<Int32>
typealias DoubleLanes = SIMD8<Double>
/// Values in one vector, and columns in one panel of a packed matrix.
let laneCount = 16

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

@_transparent func + (a: Lanes, b: Lanes) -> Lanes { _mm512_add_ps(a, b) }
@_transparent func - (a: Lanes, b: Lanes) -> Lanes { _mm512_sub_ps(a, b) }
@_transparent func * (a: Lanes, b: Lanes) -> Lanes { _mm512_mul_ps(a, b) }
@_transparent func / (a: Lanes, b: Lanes) -> Lanes { _mm512_div_ps(a, b) }

/// sum + a * b, rounded once.
@_transparent
func multiplyAdd(_ sum: Lanes, _ a: Lanes, _ b: Lanes) -> Lanes { _mm512_fmadd_ps(a, b, sum) }

@_transparent func squareRoot(_ value: Lanes) -> Lanes { _mm512_sqrt_ps(value) }

/// For each lane the entry of a table of 32 that its lowest five bits name.
@_transparent
func lookUp(_ table: (Lanes, Lanes), _ index: IntLanes) -> Lanes {
    _mm512_permutex2var_ps(table.0, unsafeBitCast(index, to: SIMD8<Int64>.self), table.1)
}

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

/// For each lane the one that its index names, of three vectors' lanes one after the other.
@_transparent
func lookUp(_ table: (Lanes, Lanes, Lanes), _ index: IntLanes) -> Lanes {
    lookUp((table.0, table.1), index).replacing(
        with: lookUp((table.2, table.2), index), where: index .> IntLanes(repeating: 31))
}

@_transparent
func zipLow(_ a: Lanes, _ b: Lanes) -> Lanes {
    lookUp((a, b), IntLanes(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23))
}

@_transparent
func zipHigh(_ a: Lanes, _ b: Lanes) -> Lanes {
    lookUp((a, b), IntLanes(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31))
}

#endif
