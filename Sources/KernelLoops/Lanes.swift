// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

// The vector alphabet of one instruction set: everything else in this folder is written in these few words, so that one
// source compiles to SSE2 or NEON, to AVX2 and to AVX-512.
//
// What a word means differs by level: 'Levels' has a file for each, with the types of its vectors. A new instruction set is one such
// file, and one of its blockings.
//
// All functions on vectors are transparent: a call that is not inlined passes a vector through memory, and a shared
// generic function of the standard library could be linked from another level's object.

@_transparent
func load(_ source: UnsafePointer<Float>) -> Lanes {
    UnsafeRawPointer(source).loadUnaligned(as: Lanes.self)
}

@_transparent
func store(_ value: Lanes, _ target: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(target).storeBytes(of: value, as: Lanes.self)
}

// The standard library's operators are loops over lanes that the optimiser mostly, but not always, turns into one
// instruction; the levels' own are the instruction.

/// a with the other sign.
@_transparent
prefix func - (a: Lanes) -> Lanes { lanes(bits(a) ^ IntLanes(repeating: Int32.min)) }

// A zip ('zipLow', 'zipHigh') interleaves two vectors, a0 b0 a1 b1 ...: the low one their first halves, the high one their second.

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
