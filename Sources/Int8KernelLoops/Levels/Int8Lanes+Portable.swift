// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED && KERNELS_PORTABLE

#if arch(x86_64)
import _Builtin_intrinsics.intel
#endif

let levelName = "portable"

/// Four integers of 32 bits, or as many pairs of 16 bits.
typealias Words = SIMD4<Int32>
typealias Lanes = SIMD4<Float>
/// Integers in a vector, and columns in one panel of a packed matrix.
let laneCount = 4
/// Depths that are multiplied together.
let depthsInWord = 2

/// How the 16 registers cut the work: sums, one vector of each panel, one broadcast word, one product.
enum Blocking {
    @inline(__always) static var tallestOfOne: Int { 6 }
    @inline(__always) static var tallestOfTwo: Int { 6 }
}

@_transparent
func all(_ value: Int32) -> Words { Words(repeating: value) }

@_transparent
func all(_ value: Float) -> Lanes { Lanes(repeating: value) }

/// The four bytes at a place as one word.
@_transparent
private func quad(_ source: UnsafePointer<UInt8>) -> Int32 { UnsafeRawPointer(source).loadUnaligned(as: Int32.self) }

#if arch(x86_64)

@_transparent private func whole(_ words: Words) -> SIMD2<Int64> { unsafeBitCast(words, to: SIMD2<Int64>.self) }
@_transparent private func parts(_ whole: SIMD2<Int64>) -> Words { unsafeBitCast(whole, to: Words.self) }

@_transparent func add(_ a: Words, _ b: Words) -> Words { parts(_mm_add_epi32(whole(a), whole(b))) }
@_transparent func subtract(_ a: Words, _ b: Words) -> Words { parts(_mm_sub_epi32(whole(a), whole(b))) }

/// a * b: both within 16 bits.
@_transparent
func multiply(_ a: Words, _ b: Words) -> Words {
    // As pairs with zeros: without SSE4.1 there is no product of 32 bits.
    let low = all(Int32(0xFFFF))
    return parts(_mm_madd_epi16(_mm_and_si128(whole(a), whole(low)), _mm_and_si128(whole(b), whole(low))))
}

/// sum + the products of the pairs of 16 bits.
@_transparent
func dotPairs(_ sum: Words, _ a: Words, _ b: Words) -> Words { add(sum, parts(_mm_madd_epi16(whole(a), whole(b)))) }

/// Integers as Floats, rounded to the nearest.
@_transparent
func floats(_ words: Words) -> Lanes { _mm_cvtepi32_ps(whole(words)) }

@_transparent func + (a: Lanes, b: Lanes) -> Lanes { _mm_add_ps(a, b) }
@_transparent func * (a: Lanes, b: Lanes) -> Lanes { _mm_mul_ps(a, b) }
@_transparent func / (a: Lanes, b: Lanes) -> Lanes { _mm_div_ps(a, b) }

/// A vector's bytes, each as a word.
@_transparent
func loadBytes(_ source: UnsafePointer<UInt8>) -> Words {
    let zero = whole(all(Int32(0)))
    return parts(_mm_unpacklo_epi16(_mm_unpacklo_epi8(whole(Words(quad(source), 0, 0, 0)), zero), zero))
}

/// Words of 0 to 255 as bytes.
@_transparent
func storeBytes(_ words: Words, _ target: UnsafeMutablePointer<UInt8>) {
    let halves = _mm_packs_epi32(whole(words), whole(words))
    UnsafeMutableRawPointer(target).storeBytes(of: parts(_mm_packus_epi16(halves, halves))[0], as: Int32.self)
}

/// The bytes of two places by turns, each as 16 bits: a pair for each of a vector's words.
@_transparent
func pairs(_ a: UnsafePointer<UInt8>, _ b: UnsafePointer<UInt8>) -> Words {
    let bytes = _mm_unpacklo_epi8(whole(Words(quad(a), 0, 0, 0)), whole(Words(quad(b), 0, 0, 0)))
    return parts(_mm_unpacklo_epi8(bytes, whole(all(Int32(0)))))
}

/// A vector's depths as words.
@_transparent
func expanded(_ source: UnsafePointer<UInt8>) -> Words {
    parts(_mm_unpacklo_epi8(whole(Words(quad(source), quad(source + 4), 0, 0)), whole(all(Int32(0)))))
}

#else

@_transparent func add(_ a: Words, _ b: Words) -> Words { a &+ b }
@_transparent func subtract(_ a: Words, _ b: Words) -> Words { a &- b }

/// a * b: both within 16 bits.
@_transparent
func multiply(_ a: Words, _ b: Words) -> Words { a &* b }

/// sum + the products of the pairs of 16 bits.
@_transparent
func dotPairs(_ sum: Words, _ a: Words, _ b: Words) -> Words {
    let shift = all(Int32(16))
    return sum &+ ((a &<< shift) &>> shift) &* ((b &<< shift) &>> shift) &+ (a &>> shift) &* (b &>> shift)
}

/// Integers as Floats, rounded to the nearest.
@_transparent
func floats(_ words: Words) -> Lanes { Lanes(Float(words[0]), Float(words[1]), Float(words[2]), Float(words[3])) }

/// A vector's bytes, each as a word.
@_transparent
func loadBytes(_ source: UnsafePointer<UInt8>) -> Words {
    Words(Int32(source[0]), Int32(source[1]), Int32(source[2]), Int32(source[3]))
}

/// Words of 0 to 255 as bytes.
@_transparent
func storeBytes(_ words: Words, _ target: UnsafeMutablePointer<UInt8>) {
    for lane in 0..<laneCount { target[lane] = UInt8(truncatingIfNeeded: words[lane]) }
}

/// The bytes of two places by turns, each as 16 bits: a pair for each of a vector's words.
@_transparent
func pairs(_ a: UnsafePointer<UInt8>, _ b: UnsafePointer<UInt8>) -> Words {
    loadBytes(a) | (loadBytes(b) &<< all(Int32(16)))
}

/// A vector's depths as words.
@_transparent
func expanded(_ source: UnsafePointer<UInt8>) -> Words {
    Words(pair(source), pair(source + 2), pair(source + 4), pair(source + 6))
}

@_transparent
private func pair(_ source: UnsafePointer<UInt8>) -> Int32 { Int32(source[0]) | Int32(source[1]) &<< 16 }

#endif

/// sum + the products of a word's depths.
@_transparent
func dot(_ sum: Words, _ word: Words, _ weights: Words) -> Words { dotPairs(sum, word, weights) }

#endif
