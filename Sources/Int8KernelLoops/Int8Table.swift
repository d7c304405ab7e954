// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

#if KERNELS_VBMI

/// 256 bytes of which each byte of a block picks one: in the registers, the lower seven bits among 128, the sign between two such.
struct Table {
    /// Whether one is made in no time, so that what has been computed is looked up before it is written.
    @inline(__always) static var standsInRegisters: Bool { true }

    private let parts: (Words, Words, Words, Words)

    @inline(__always)
    init(_ table: Bytes) {
        parts = (loadBlock(table), loadBlock(table + 64), loadBlock(table + 128), loadBlock(table + 192))
    }

    @inline(__always)
    func picks(_ block: Words) -> Words {
        chosen(block, picked(parts.0, parts.1, block), picked(parts.2, parts.3, block))
    }
}

#elseif KERNELS_PORTABLE

/// 256 bytes of which each byte of a block picks one: one after the other, without an instruction for it.
struct Table {
    @inline(__always) static var standsInRegisters: Bool { false }

    private let table: Bytes

    @inline(__always)
    init(_ table: Bytes) { self.table = table }

    @inline(__always)
    func picks(_ block: Words) -> Words {
        var picked = block
        withUnsafeMutableBytes(of: &picked) { bytes in
            for index in bytes.indices { bytes[index] = table[Int(bytes[index])] }
        }
        return picked
    }
}

#else

/// 256 bytes of which each byte of a block picks one.
///
/// Sixteen at a time are looked up by a byte's lower half, where it is not negative: the lower half of the table for the byte itself,
/// the upper for the byte with its sign turned. Each step down by sixteen takes one group of bytes more below zero, and what a step
/// finds is kept as the difference from what the steps before it found.
struct Table {
    @inline(__always) static var standsInRegisters: Bool { false }

    private var steps = InlineArray<16, Words>(repeating: all(Int32(0)))

    @inline(__always)
    init(_ table: Bytes) {
        for index in 0..<16 {
            let own = repeated(table + 16 * index)
            steps[index] = index % 8 == 0 ? own : exclusiveOr(own, repeated(table + 16 * index - 16))
        }
    }

    @inline(__always)
    func picks(_ block: Words) -> Words {
        var low = block
        var high = exclusiveOr(block, all(Int32(bitPattern: 0x8080_8080)))
        var found = exclusiveOr(picked(steps[0], low), picked(steps[8], high))
        for index in 1..<8 {
            low = lessSixteen(low)
            high = lessSixteen(high)
            found = exclusiveOr(found, exclusiveOr(picked(steps[index], low), picked(steps[index + 8], high)))
        }
        return found
    }
}

#endif

#endif
