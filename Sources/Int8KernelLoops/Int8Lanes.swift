// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

// The vector alphabet of the integer kernels, beyond what 'Levels' has for each instruction set. The rules of 'KernelLoops/Lanes.swift'
// hold: all functions on vectors are transparent, operators are single instructions.

@_transparent
func load(_ source: UnsafePointer<Int32>) -> Words { UnsafeRawPointer(source).loadUnaligned(as: Words.self) }

@_transparent
func load(_ source: UnsafePointer<Float>) -> Lanes { UnsafeRawPointer(source).loadUnaligned(as: Lanes.self) }

@_transparent
func store(_ words: Words, _ target: UnsafeMutablePointer<Int32>) {
    UnsafeMutableRawPointer(target).storeBytes(of: words, as: Words.self)
}

@_transparent
func store(_ lanes: Lanes, _ target: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(target).storeBytes(of: lanes, as: Lanes.self)
}

/// Held between two bounds.
@_transparent
func held(_ value: Lanes, _ low: Lanes, _ high: Lanes) -> Lanes {
    let raised = value.replacing(with: low, where: value .< low)
    return raised.replacing(with: high, where: raised .> high)
}

/// The nearest integers to values within -2^22 ... 2^22, halves to the even one: what a sum with 1.5 * 2^23 has in its lowest bits.
@_transparent
func rounded(_ value: Lanes) -> Words {
    subtract(unsafeBitCast(value + all(Float(12_582_912)), to: Words.self), all(Int32(0x4B40_0000)))
}

/// Memory for a vector, for those that are not whole.
struct Partial {
    private var words = InlineArray<16, Int32>(repeating: 0)

    /// `count` bytes, each as a word; zeros behind them.
    @inline(__always)
    static func loadBytes(_ source: UnsafePointer<UInt8>, count: Int) -> Words {
        var partial = Partial()
        for index in 0..<count { partial.words[index] = Int32(source[index]) }
        return partial.vector
    }

    /// `count` bytes of two places by turns.
    @inline(__always)
    static func pairs(_ a: UnsafePointer<UInt8>, _ b: UnsafePointer<UInt8>, count: Int) -> Words {
        var partial = Partial()
        for index in 0..<count { partial.words[index] = Int32(a[index]) | Int32(b[index]) &<< 16 }
        return partial.vector
    }

    @inline(__always)
    private var vector: Words {
        withUnsafePointer(to: words) { UnsafeRawPointer($0).loadUnaligned(as: Words.self) }
    }

    /// The first `count` words as bytes.
    @inline(__always)
    static func storeBytes(_ words: Words, _ target: UnsafeMutablePointer<UInt8>, count: Int) {
        withUnsafePointer(to: words) {
            let source = UnsafeRawPointer($0).assumingMemoryBound(to: Int32.self)
            for index in 0..<count { target[index] = UInt8(truncatingIfNeeded: source[index]) }
        }
    }

    /// The first `count` lanes.
    @inline(__always)
    static func store(_ lanes: Lanes, _ target: UnsafeMutablePointer<Float>, count: Int) {
        withUnsafePointer(to: lanes) {
            let source = UnsafeRawPointer($0).assumingMemoryBound(to: Float.self)
            for index in 0..<count { target[index] = source[index] }
        }
    }

    /// The first `count` lanes, zeros behind them.
    @inline(__always)
    static func load(_ source: UnsafePointer<Float>, count: Int) -> Lanes {
        var partial = Partial()
        for index in 0..<count { partial.words[index] = Int32(bitPattern: source[index].bitPattern) }
        return unsafeBitCast(partial.vector, to: Lanes.self)
    }
}

#endif
