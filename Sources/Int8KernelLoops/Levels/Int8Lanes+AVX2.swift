// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED && KERNELS_AVX2

import _Builtin_intrinsics.intel

let levelName = "avx2"

/// Eight integers of 32 bits, or as many pairs of 16 bits.
typealias Words = SIMD4<Int64>
typealias Lanes = SIMD8<Float>
/// Integers in a vector, and columns in one panel of a packed matrix.
let laneCount = 8
/// Depths that are multiplied together. Products of bytes would be added with saturation: so bytes become 16 bits first.
let depthsInWord = 2

/// How the 16 registers cut the work: sums, one vector of each panel, one broadcast word, one product.
enum Blocking {
    @inline(__always) static var tallestOfOne: Int { 8 }
    @inline(__always) static var tallestOfTwo: Int { 6 }
}

@_transparent
func all(_ value: Int32) -> Words { unsafeBitCast(SIMD8<Int32>(repeating: value), to: Words.self) }

@_transparent
func all(_ value: Float) -> Lanes { Lanes(repeating: value) }

@_transparent func add(_ a: Words, _ b: Words) -> Words { _mm256_add_epi32(a, b) }
@_transparent func subtract(_ a: Words, _ b: Words) -> Words { _mm256_sub_epi32(a, b) }

/// a * b: both within 16 bits.
@_transparent
func multiply(_ a: Words, _ b: Words) -> Words { _mm256_mullo_epi32(a, b) }

/// sum + the products of the pairs of 16 bits.
@_transparent
func dotPairs(_ sum: Words, _ a: Words, _ b: Words) -> Words { add(sum, _mm256_madd_epi16(a, b)) }

/// sum + the products of a word's depths.
@_transparent
func dot(_ sum: Words, _ word: Words, _ weights: Words) -> Words { dotPairs(sum, word, weights) }

/// Integers as Floats, rounded to the nearest.
@_transparent
func floats(_ words: Words) -> Lanes { _mm256_cvtepi32_ps(words) }

@_transparent func + (a: Lanes, b: Lanes) -> Lanes { _mm256_add_ps(a, b) }
@_transparent func * (a: Lanes, b: Lanes) -> Lanes { _mm256_mul_ps(a, b) }
@_transparent func / (a: Lanes, b: Lanes) -> Lanes { _mm256_div_ps(a, b) }

/// A vector's bytes, each as a word.
@_transparent
func loadBytes(_ source: UnsafePointer<UInt8>) -> Words {
    let bytes = UnsafeRawPointer(source).loadUnaligned(as: Int64.self)
    return _mm256_cvtepu8_epi32(SIMD2<Int64>(bytes, 0))
}

/// Words of 0 to 255 as bytes.
@_transparent
func storeBytes(_ words: Words, _ target: UnsafeMutablePointer<UInt8>) {
    let halves = _mm256_packs_epi32(words, words)
    let bytes = unsafeBitCast(_mm256_packus_epi16(halves, halves), to: SIMD8<Int32>.self)
    UnsafeMutableRawPointer(target).storeBytes(of: bytes[0], as: Int32.self)
    UnsafeMutableRawPointer(target + 4).storeBytes(of: bytes[4], as: Int32.self)
}

/// The bytes of two places by turns, each as 16 bits: a pair for each of a vector's words.
@_transparent
func pairs(_ a: UnsafePointer<UInt8>, _ b: UnsafePointer<UInt8>) -> Words {
    let first = SIMD2<Int64>(UnsafeRawPointer(a).loadUnaligned(as: Int64.self), 0)
    let second = SIMD2<Int64>(UnsafeRawPointer(b).loadUnaligned(as: Int64.self), 0)
    return _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(first, second))
}

/// A vector's depths as words.
@_transparent
func expanded(_ source: UnsafePointer<UInt8>) -> Words {
    _mm256_cvtepu8_epi16(UnsafeRawPointer(source).loadUnaligned(as: SIMD2<Int64>.self))
}

#endif
