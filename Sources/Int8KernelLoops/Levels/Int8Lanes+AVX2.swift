// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED && KERNELS_AVX2

import KernelInterface
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
    @inline(__always) static var tallestOfBlock: Int { 2 }
    /// Pixels of a depthwise convolution at a time: four sums for each.
    @inline(__always) static var pixels: Int { 2 }
}

@_transparent
func all(_ value: Int32) -> Words { unsafeBitCast(SIMD8<Int32>(repeating: value), to: Words.self) }

@_transparent
func all(_ value: Float) -> Lanes { Lanes(repeating: value) }

@_transparent func add(_ a: Words, _ b: Words) -> Words { _mm256_add_epi32(a, b) }
@_transparent func subtract(_ a: Words, _ b: Words) -> Words { _mm256_sub_epi32(a, b) }

/// a * b: both within 16 bits, the upper half of one of them cleared.
@_transparent
func multiply(_ a: Words, _ b: Words) -> Words { _mm256_madd_epi16(_mm256_and_si256(a, all(Int32(0xFFFF))), b) }

/// sum + the products of the pairs of 16 bits.
@_transparent
func dotPairs(_ sum: Words, _ a: Words, _ b: Words) -> Words { add(sum, _mm256_madd_epi16(a, b)) }

/// sum + the products of a word's depths.
@_transparent
func dot(_ sum: Words, _ word: Words, _ weights: Words) -> Words { dotPairs(sum, word, weights) }

/// Integers as Floats, rounded to the nearest.
@_transparent
func floats(_ words: Words) -> Lanes { _mm256_cvtepi32_ps(words) }

/// The nearest integers to values within -2^22 ... 2^22, halves to the even one.
@_transparent
func rounded(_ value: Lanes) -> Words { _mm256_cvtps_epi32(value) }

/// Held between two bounds; the value itself where it equals one.
@_transparent
func held(_ value: Lanes, _ low: Lanes, _ high: Lanes) -> Lanes {
    _mm256_min_ps(high, _mm256_max_ps(low, value))
}

/// Held below a bound.
@_transparent func held(_ value: Lanes, _ high: Lanes) -> Lanes { _mm256_min_ps(high, value) }

/// Whether `rounded` makes a very low integer of each value that is too low for it.
let roundedHoldsLow = true

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

/// A vector's depths as words.
@_transparent
func expanded(_ source: UnsafePointer<UInt8>) -> Words {
    _mm256_cvtepu8_epi16(UnsafeRawPointer(source).loadUnaligned(as: SIMD2<Int64>.self))
}

/// Eight depths as words.
@_transparent
func expandEight(_ source: UnsafePointer<UInt8>, _ target: UnsafeMutableRawPointer) {
    let bytes = SIMD2<Int64>(UnsafeRawPointer(source).loadUnaligned(as: Int64.self), 0)
    target.storeBytes(of: _mm_cvtepu8_epi16(bytes), as: SIMD2<Int64>.self)
}

// MARK: - Blocks of bytes

/// The first `count` bytes, zeros behind them.
@inline(__always)
func loadBlock(_ source: Bytes, _ count: Int) -> Words {
    Words(
        Partial.eight(source, 0, count), Partial.eight(source, 1, count), Partial.eight(source, 2, count),
        Partial.eight(source, 3, count))
}

@inline(__always)
func storeBlock(_ block: Words, _ target: UnsafeMutablePointer<UInt8>, _ count: Int) {
    for index in 0..<4 { Partial.store(eight: block[index], target, index, count) }
}

/// The larger of each two bytes.
@_transparent func largest(_ a: Words, _ b: Words) -> Words { _mm256_max_epu8(a, b) }

@_transparent func lowBytes(_ a: Words, _ b: Words) -> Words { _mm256_unpacklo_epi8(a, b) }
@_transparent func highBytes(_ a: Words, _ b: Words) -> Words { _mm256_unpackhi_epi8(a, b) }
@_transparent func lowHalves(_ a: Words, _ b: Words) -> Words { _mm256_unpacklo_epi16(a, b) }
@_transparent func highHalves(_ a: Words, _ b: Words) -> Words { _mm256_unpackhi_epi16(a, b) }

/// The words of four vectors as a block, what `Block.widened` made of it; `zero` is added to each 16 bits, and what a byte can't be is
/// held at its bounds.
@_transparent
func narrowed(_ a: Words, _ b: Words, _ c: Words, _ d: Words, plus zero: Words) -> Words {
    _mm256_packus_epi16(
        _mm256_adds_epi16(_mm256_packs_epi32(a, b), zero), _mm256_adds_epi16(_mm256_packs_epi32(c, d), zero))
}

/// Every fourth group of four words: a vector's of the four that a block's are.
@_transparent
func everyFourth(_ source: UnsafePointer<Int32>) -> Words {
    let memory = UnsafeRawPointer(source)
    return Words(
        lowHalf: memory.loadUnaligned(as: SIMD2<Int64>.self),
        highHalf: memory.loadUnaligned(fromByteOffset: 64, as: SIMD2<Int64>.self))
}

// MARK: - Tables

@_transparent func exclusiveOr(_ a: Words, _ b: Words) -> Words { _mm256_xor_si256(a, b) }

/// Of sixteen bytes, that stand in each 128 bits, those that the bytes' lower halves name; zero for negative bytes.
@_transparent func picked(_ sixteen: Words, _ bytes: Words) -> Words { _mm256_shuffle_epi8(sixteen, bytes) }

/// Signed bytes less sixteen, held at the least.
@_transparent
func lessSixteen(_ bytes: Words) -> Words { _mm256_subs_epi8(bytes, all(Int32(0x1010_1010))) }

/// Sixteen bytes in each 128 bits.
@_transparent
func repeated(_ source: Bytes) -> Words {
    let part = UnsafeRawPointer(source).loadUnaligned(as: SIMD2<Int64>.self)
    return Words(lowHalf: part, highHalf: part)
}

#endif
