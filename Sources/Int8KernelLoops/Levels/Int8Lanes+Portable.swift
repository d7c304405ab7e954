// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED && KERNELS_PORTABLE

import KernelInterface

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
    @inline(__always) static var tallestOfBlock: Int { 2 }
    /// Pixels of a depthwise convolution at a time: four sums for each.
    @inline(__always) static var pixels: Int { 2 }
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

/// The nearest integers to values within -2^22 ... 2^22, halves to the even one.
@_transparent
func rounded(_ value: Lanes) -> Words { parts(_mm_cvtps_epi32(value)) }

/// Held between two bounds; the value itself where it equals one.
@_transparent
func held(_ value: Lanes, _ low: Lanes, _ high: Lanes) -> Lanes { _mm_min_ps(high, _mm_max_ps(low, value)) }

/// The larger of each two bytes.
@_transparent func largest(_ a: Words, _ b: Words) -> Words { parts(_mm_max_epu8(whole(a), whole(b))) }

@_transparent func lowBytes(_ a: Words, _ b: Words) -> Words { parts(_mm_unpacklo_epi8(whole(a), whole(b))) }
@_transparent func highBytes(_ a: Words, _ b: Words) -> Words { parts(_mm_unpackhi_epi8(whole(a), whole(b))) }
@_transparent func lowHalves(_ a: Words, _ b: Words) -> Words { parts(_mm_unpacklo_epi16(whole(a), whole(b))) }
@_transparent func highHalves(_ a: Words, _ b: Words) -> Words { parts(_mm_unpackhi_epi16(whole(a), whole(b))) }

/// The words of four vectors as a block, what `Block.widened` made of it; `zero` is added to each 16 bits, and what a byte can't be is
/// held at its bounds.
@_transparent
func narrowed(_ a: Words, _ b: Words, _ c: Words, _ d: Words, plus zero: Words) -> Words {
    parts(
        _mm_packus_epi16(
            _mm_adds_epi16(_mm_packs_epi32(whole(a), whole(b)), whole(zero)),
            _mm_adds_epi16(_mm_packs_epi32(whole(c), whole(d)), whole(zero))))
}

/// Held below a bound.
@_transparent func held(_ value: Lanes, _ high: Lanes) -> Lanes { _mm_min_ps(high, value) }

/// Whether `rounded` makes a very low integer of each value that is too low for it.
let roundedHoldsLow = true

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

/// The nearest integers to values within -2^22 ... 2^22, halves to the even one: what a sum with 1.5 * 2^23 has in its lowest bits.
@_transparent
func rounded(_ value: Lanes) -> Words {
    subtract(unsafeBitCast(value + all(Float(12_582_912)), to: Words.self), all(Int32(0x4B40_0000)))
}

/// Held between two bounds; the value itself where it equals one.
@_transparent
func held(_ value: Lanes, _ low: Lanes, _ high: Lanes) -> Lanes {
    let raised = value.replacing(with: low, where: value .< low)
    return raised.replacing(with: high, where: raised .> high)
}

/// The larger of each two bytes.
@_transparent
func largest(_ a: Words, _ b: Words) -> Words {
    let (left, right) = (unsafeBitCast(a, to: SIMD16<UInt8>.self), unsafeBitCast(b, to: SIMD16<UInt8>.self))
    return unsafeBitCast(left.replacing(with: right, where: right .> left), to: Words.self)
}

@_transparent
func lowBytes(_ a: Words, _ b: Words) -> Words {
    turns(unsafeBitCast(a, to: SIMD16<UInt8>.self).lowHalf, unsafeBitCast(b, to: SIMD16<UInt8>.self).lowHalf)
}
@_transparent
func highBytes(_ a: Words, _ b: Words) -> Words {
    turns(unsafeBitCast(a, to: SIMD16<UInt8>.self).highHalf, unsafeBitCast(b, to: SIMD16<UInt8>.self).highHalf)
}
@_transparent
func lowHalves(_ a: Words, _ b: Words) -> Words {
    turns(unsafeBitCast(a, to: SIMD8<UInt16>.self).lowHalf, unsafeBitCast(b, to: SIMD8<UInt16>.self).lowHalf)
}
@_transparent
func highHalves(_ a: Words, _ b: Words) -> Words {
    turns(unsafeBitCast(a, to: SIMD8<UInt16>.self).highHalf, unsafeBitCast(b, to: SIMD8<UInt16>.self).highHalf)
}

/// The values of two vectors by turns.
@_transparent
private func turns(_ a: SIMD8<UInt8>, _ b: SIMD8<UInt8>) -> Words {
    unsafeBitCast(SIMD16<UInt8>(evenHalf: a, oddHalf: b), to: Words.self)
}

@_transparent
private func turns(_ a: SIMD4<UInt16>, _ b: SIMD4<UInt16>) -> Words {
    unsafeBitCast(SIMD8<UInt16>(evenHalf: a, oddHalf: b), to: Words.self)
}

/// The words of four vectors as a block, what `Block.widened` made of it; `zero` is added to each 16 bits, and what a byte can't be is
/// held at its bounds.
@_transparent
func narrowed(_ a: Words, _ b: Words, _ c: Words, _ d: Words, plus zero: Words) -> Words {
    let words = SIMD16<Int32>(
        lowHalf: SIMD8<Int32>(lowHalf: a, highHalf: b), highHalf: SIMD8<Int32>(lowHalf: c, highHalf: d))
    let raised = words &+ SIMD16(repeating: zero[0] & 0xFFFF)
    let bytes = raised.clamped(lowerBound: SIMD16(repeating: 0), upperBound: SIMD16(repeating: 255))
    return unsafeBitCast(SIMD16<UInt8>(truncatingIfNeeded: bytes), to: Words.self)
}

/// Held below a bound.
@_transparent
func held(_ value: Lanes, _ high: Lanes) -> Lanes { value.replacing(with: high, where: value .> high) }

/// Whether `rounded` makes a very low integer of each value that is too low for it.
let roundedHoldsLow = false

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

/// Eight depths as words.
@_transparent
func expandEight(_ source: UnsafePointer<UInt8>, _ target: UnsafeMutableRawPointer) {
    target.storeBytes(of: expanded(source), as: Words.self)
}

// MARK: - Blocks of bytes

/// The first `count` bytes, zeros behind them.
@inline(__always)
func loadBlock(_ source: Bytes, _ count: Int) -> Words {
    unsafeBitCast(
        SIMD2<Int64>(Partial.eight(source, 0, count), Partial.eight(source, 1, count)), to: Words.self)
}

@inline(__always)
func storeBlock(_ block: Words, _ target: UnsafeMutablePointer<UInt8>, _ count: Int) {
    let eights = unsafeBitCast(block, to: SIMD2<Int64>.self)
    for index in 0..<2 { Partial.store(eight: eights[index], target, index, count) }
}

/// Every fourth group of four words: a vector's of the four that a block's are.
@_transparent
func everyFourth(_ source: UnsafePointer<Int32>) -> Words { load(source) }

#endif
