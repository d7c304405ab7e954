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

@_transparent
func loadBlock(_ source: Bytes) -> Words { UnsafeRawPointer(source).loadUnaligned(as: Words.self) }

@_transparent
func storeBlock(_ block: Words, _ target: UnsafeMutablePointer<UInt8>) {
    UnsafeMutableRawPointer(target).storeBytes(of: block, as: Words.self)
}

/// As many bytes as four vectors have words: what a vector of bytes holds.
let blockLength = 4 * laneCount

/// A block's bytes as words, in four vectors: each has four of every sixteen, in the order in which the instructions take bytes apart.
struct Block {
    var words = InlineArray<4, Words>(repeating: all(Int32(0)))

    @inline(__always)
    init(_ a: Words, _ b: Words, _ c: Words, _ d: Words) {
        words[0] = a
        words[1] = b
        words[2] = c
        words[3] = d
    }

    /// The bytes of a vector.
    @inline(__always)
    static func widened(_ block: Words) -> Block {
        let zero = all(Int32(0))
        let (low, high) = (lowBytes(block, zero), highBytes(block, zero))
        return Block(lowHalves(low, zero), highHalves(low, zero), lowHalves(high, zero), highHalves(high, zero))
    }

    /// The bytes of a few places by turns, as `dot` takes them: of four places, or of two whose bytes become 16 bits.
    @inline(__always)
    static func taps(_ a: Words, _ b: Words, _ c: @autoclosure () -> Words, _ d: @autoclosure () -> Words) -> Block {
        let zero = all(Int32(0))
        let (low, high) =
            depthsInWord == 4 ? (lowBytes(a, b), highBytes(a, b)) : (lowBytes(a, zero), highBytes(a, zero))
        let otherLow = depthsInWord == 4 ? lowBytes(c(), d()) : lowBytes(b, zero)
        let otherHigh = depthsInWord == 4 ? highBytes(c(), d()) : highBytes(b, zero)
        return Block(
            lowHalves(low, otherLow), highHalves(low, otherLow), lowHalves(high, otherHigh),
            highHalves(high, otherHigh))
    }

    /// As bytes again, `zero` added to each: what is below 0 becomes 0, what is above 255 that.
    @inline(__always)
    func narrow(plus zero: Int32) -> Words {
        narrowed(words[0], words[1], words[2], words[3], plus: all(zero &* 0x1_0001))
    }

    /// Which of a block's bytes a lane of a vector is.
    @inline(__always)
    static func place(vector: Int, lane: Int) -> Int { lane / 4 * 16 + vector * 4 + lane % 4 }
}

#if !(KERNELS_VNNI || KERNELS_VBMI)

/// The first `count` bytes, each as a word; zeros behind them.
@inline(__always)
func loadBytes(_ source: UnsafePointer<UInt8>, _ count: Int) -> Words { Partial.loadBytes(source, count: count) }

/// The first `count` words, each 0 to 255, as bytes.
@inline(__always)
func storeBytes(_ words: Words, _ target: UnsafeMutablePointer<UInt8>, _ count: Int) {
    Partial.storeBytes(words, target, count: count)
}

#endif

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

    /// The first `count` words as bytes.
    @inline(__always)
    static func storeBytes(_ words: Words, _ target: UnsafeMutablePointer<UInt8>, count: Int) {
        withUnsafePointer(to: words) {
            let source = UnsafeRawPointer($0).assumingMemoryBound(to: Int32.self)
            for index in 0..<count { target[index] = UInt8(truncatingIfNeeded: source[index]) }
        }
    }

    /// Of `count` bytes the eight at an index of eights, zeros behind the last.
    @inline(__always)
    static func eight(_ source: UnsafePointer<UInt8>, _ index: Int, _ count: Int) -> Int64 {
        let left = count - 8 * index
        if left >= 8 { return UnsafeRawPointer(source + 8 * index).loadUnaligned(as: Int64.self) }
        var eight: Int64 = 0
        var byte = 0
        while byte < left {
            eight |= Int64(source[8 * index + byte]) &<< Int64(8 &* byte)
            byte += 1
        }
        return eight
    }

    /// Of `count` bytes those at an index of eights.
    @inline(__always)
    static func store(eight: Int64, _ target: UnsafeMutablePointer<UInt8>, _ index: Int, _ count: Int) {
        let left = count - 8 * index
        if left >= 8 {
            UnsafeMutableRawPointer(target + 8 * index).storeBytes(of: eight, as: Int64.self)
            return
        }
        var byte = 0
        while byte < left {
            target[8 * index + byte] = UInt8(truncatingIfNeeded: eight &>> Int64(8 &* byte))
            byte += 1
        }
    }

    @inline(__always)
    private var vector: Words {
        withUnsafePointer(to: words) { UnsafeRawPointer($0).loadUnaligned(as: Words.self) }
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
