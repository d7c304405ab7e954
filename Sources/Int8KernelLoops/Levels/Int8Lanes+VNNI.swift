// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED && KERNELS_VNNI

import _Builtin_intrinsics.intel

let levelName = "avx512vnni"

/// Sixteen integers of 32 bits, or as many groups of four bytes.
typealias Words = SIMD8<Int64>
typealias Lanes = SIMD16<Float>
/// Integers in a vector, and columns in one panel of a packed matrix.
let laneCount = 16
/// Depths that are multiplied together.
let depthsInWord = 4

/// How the 32 registers cut the work: sums, one vector of each panel, one broadcast word.
enum Blocking {
    @inline(__always) static var tallestOfOne: Int { 14 }
    @inline(__always) static var tallestOfTwo: Int { 14 }
}

@_transparent
func all(_ value: Int32) -> Words { unsafeBitCast(SIMD16<Int32>(repeating: value), to: Words.self) }

@_transparent
func all(_ value: Float) -> Lanes { Lanes(repeating: value) }

@_transparent func add(_ a: Words, _ b: Words) -> Words { _mm512_add_epi32(a, b) }
@_transparent func subtract(_ a: Words, _ b: Words) -> Words { _mm512_sub_epi32(a, b) }

/// a * b: both within 16 bits.
@_transparent
func multiply(_ a: Words, _ b: Words) -> Words { _mm512_mullo_epi32(a, b) }

/// sum + the products of the pairs of 16 bits.
@_transparent
func dotPairs(_ sum: Words, _ a: Words, _ b: Words) -> Words { _mm512_dpwssd_epi32(sum, a, b) }

/// sum + the products of a word's depths: of unsigned bytes with signed ones, without saturation.
@_transparent
func dot(_ sum: Words, _ word: Words, _ weights: Words) -> Words { _mm512_dpbusd_epi32(sum, word, weights) }

/// Integers as Floats, rounded to the nearest.
@_transparent
func floats(_ words: Words) -> Lanes { _mm512_cvtepi32_ps(words) }

@_transparent func + (a: Lanes, b: Lanes) -> Lanes { _mm512_add_ps(a, b) }
@_transparent func * (a: Lanes, b: Lanes) -> Lanes { _mm512_mul_ps(a, b) }
@_transparent func / (a: Lanes, b: Lanes) -> Lanes { _mm512_div_ps(a, b) }

/// A vector's bytes, each as a word.
@_transparent
func loadBytes(_ source: UnsafePointer<UInt8>) -> Words {
    _mm512_cvtepu8_epi32(UnsafeRawPointer(source).loadUnaligned(as: SIMD2<Int64>.self))
}

/// Words of 0 to 255 as bytes.
@_transparent
func storeBytes(_ words: Words, _ target: UnsafeMutablePointer<UInt8>) {
    UnsafeMutableRawPointer(target).storeBytes(of: _mm512_cvtepi32_epi8(words), as: SIMD2<Int64>.self)
}

/// The bytes of two places by turns, each as 16 bits: a pair for each of a vector's words.
@_transparent
func pairs(_ a: UnsafePointer<UInt8>, _ b: UnsafePointer<UInt8>) -> Words {
    let first = UnsafeRawPointer(a).loadUnaligned(as: SIMD2<Int64>.self)
    let second = UnsafeRawPointer(b).loadUnaligned(as: SIMD2<Int64>.self)
    return _mm512_cvtepu8_epi16(
        SIMD4<Int64>(lowHalf: _mm_unpacklo_epi8(first, second), highHalf: _mm_unpackhi_epi8(first, second)))
}

/// A vector's depths as words: as they stand.
@_transparent
func expanded(_ source: UnsafePointer<UInt8>) -> Words {
    UnsafeRawPointer(source).loadUnaligned(as: Words.self)
}

#endif
