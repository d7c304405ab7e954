// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED && (KERNELS_VNNI || KERNELS_VBMI)

import KernelInterface
import _Builtin_intrinsics.intel

#if KERNELS_VBMI
let levelName = "avx512vbmi"
#else
let levelName = "avx512vnni"
#endif

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
    @inline(__always) static var tallestOfBlock: Int { 6 }
    /// Pixels of a depthwise convolution at a time: four sums for each.
    @inline(__always) static var pixels: Int { 4 }
}

@_transparent
func all(_ value: Int32) -> Words { unsafeBitCast(SIMD16<Int32>(repeating: value), to: Words.self) }

@_transparent
func all(_ value: Float) -> Lanes { Lanes(repeating: value) }

@_transparent func add(_ a: Words, _ b: Words) -> Words { _mm512_add_epi32(a, b) }
@_transparent func subtract(_ a: Words, _ b: Words) -> Words { _mm512_sub_epi32(a, b) }

/// a * b: both within 16 bits, the upper half of one of them cleared.
@_transparent
func multiply(_ a: Words, _ b: Words) -> Words { _mm512_madd_epi16(_mm512_and_si512(a, all(Int32(0xFFFF))), b) }

/// sum + the products of a word's depths: of unsigned bytes with signed ones, without saturation.
@_transparent
func dot(_ sum: Words, _ word: Words, _ weights: Words) -> Words { _mm512_dpbusd_epi32(sum, word, weights) }

/// Integers as Floats, rounded to the nearest.
@_transparent
func floats(_ words: Words) -> Lanes { _mm512_cvtepi32_ps(words) }

/// The nearest integers to values within -2^22 ... 2^22, halves to the even one.
@_transparent
func rounded(_ value: Lanes) -> Words { _mm512_cvtps_epi32(value) }

/// Held between two bounds; the value itself where it equals one.
@_transparent
func held(_ value: Lanes, _ low: Lanes, _ high: Lanes) -> Lanes {
    _mm512_min_ps(high, _mm512_max_ps(low, value))
}

/// Held below a bound.
@_transparent func held(_ value: Lanes, _ high: Lanes) -> Lanes { _mm512_min_ps(high, value) }

/// Whether `rounded` makes a very low integer of each value that is too low for it.
let roundedHoldsLow = true

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

/// The first `count` bytes, each as a word; zeros behind them.
@_transparent
func loadBytes(_ source: UnsafePointer<UInt8>, _ count: Int) -> Words {
    _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(UInt16(truncatingIfNeeded: first(count)), source))
}

/// The first `count` words, each 0 to 255, as bytes.
@_transparent
func storeBytes(_ words: Words, _ target: UnsafeMutablePointer<UInt8>, _ count: Int) {
    _mm_mask_storeu_epi8(target, UInt16(truncatingIfNeeded: first(count)), _mm512_cvtepi32_epi8(words))
}

/// A vector's depths as words: as they stand.
@_transparent
func expanded(_ source: UnsafePointer<UInt8>) -> Words {
    UnsafeRawPointer(source).loadUnaligned(as: Words.self)
}

/// Eight depths as words: as they stand.
@_transparent
func expandEight(_ source: UnsafePointer<UInt8>, _ target: UnsafeMutableRawPointer) {
    target.storeBytes(of: UnsafeRawPointer(source).loadUnaligned(as: Int64.self), as: Int64.self)
}

// MARK: - Blocks of bytes

/// The first `count` bytes, zeros behind them.
@_transparent
func loadBlock(_ source: Bytes, _ count: Int) -> Words { _mm512_maskz_loadu_epi8(first(count), source) }

@_transparent
func storeBlock(_ block: Words, _ target: UnsafeMutablePointer<UInt8>, _ count: Int) {
    _mm512_mask_storeu_epi8(target, first(count), block)
}

/// The first `count` of 64 bits.
@_transparent
private func first(_ count: Int) -> UInt64 { ~0 &>> (64 &- UInt64(truncatingIfNeeded: count)) }

/// The larger of each two bytes.
@_transparent func largest(_ a: Words, _ b: Words) -> Words { _mm512_max_epu8(a, b) }

@_transparent func lowBytes(_ a: Words, _ b: Words) -> Words { _mm512_unpacklo_epi8(a, b) }
@_transparent func highBytes(_ a: Words, _ b: Words) -> Words { _mm512_unpackhi_epi8(a, b) }
@_transparent func lowHalves(_ a: Words, _ b: Words) -> Words { _mm512_unpacklo_epi16(a, b) }
@_transparent func highHalves(_ a: Words, _ b: Words) -> Words { _mm512_unpackhi_epi16(a, b) }

/// The words of four vectors as a block, what `Block.widened` made of it; `zero` is added to each 16 bits, and what a byte can't be is
/// held at its bounds.
@_transparent
func narrowed(_ a: Words, _ b: Words, _ c: Words, _ d: Words, plus zero: Words) -> Words {
    _mm512_packus_epi16(
        _mm512_adds_epi16(_mm512_packs_epi32(a, b), zero), _mm512_adds_epi16(_mm512_packs_epi32(c, d), zero))
}

/// Every fourth group of four words: a vector's of the four that a block's are.
@_transparent
func everyFourth(_ source: UnsafePointer<Int32>) -> Words {
    let memory = UnsafeRawPointer(source)
    return Words(
        lowHalf: SIMD4<Int64>(
            lowHalf: memory.loadUnaligned(as: SIMD2<Int64>.self),
            highHalf: memory.loadUnaligned(fromByteOffset: 64, as: SIMD2<Int64>.self)),
        highHalf: SIMD4<Int64>(
            lowHalf: memory.loadUnaligned(fromByteOffset: 128, as: SIMD2<Int64>.self),
            highHalf: memory.loadUnaligned(fromByteOffset: 192, as: SIMD2<Int64>.self)))
}

// MARK: - Tables

#if KERNELS_VBMI

/// Of the 128 bytes of two vectors those that the bytes' lower seven bits name.
@_transparent
func picked(_ first: Words, _ second: Words, _ bytes: Words) -> Words {
    _mm512_permutex2var_epi8(first, bytes, second)
}

/// The bytes of `others` where those of `bytes` are negative.
@_transparent
func chosen(_ bytes: Words, _ values: Words, _ others: Words) -> Words {
    _mm512_mask_blend_epi8(_mm512_movepi8_mask(bytes), values, others)
}

#else

@_transparent func exclusiveOr(_ a: Words, _ b: Words) -> Words { _mm512_xor_si512(a, b) }

/// Of sixteen bytes, that stand in each 128 bits, those that the bytes' lower halves name; zero for negative bytes.
@_transparent func picked(_ sixteen: Words, _ bytes: Words) -> Words { _mm512_shuffle_epi8(sixteen, bytes) }

/// Signed bytes less sixteen, held at the least.
@_transparent
func lessSixteen(_ bytes: Words) -> Words { _mm512_subs_epi8(bytes, all(Int32(0x1010_1010))) }

/// Sixteen bytes in each 128 bits.
@_transparent
func repeated(_ source: Bytes) -> Words {
    _mm512_broadcast_i32x4(UnsafeRawPointer(source).loadUnaligned(as: SIMD2<Int64>.self))
}

#endif

#endif
