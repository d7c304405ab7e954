// SPDX-License-Identifier: MIT

import SystemCalls
import Tensors

/// Bytes from a cache line's border on, zeroed.
final class AlignedMemory: @unchecked Sendable {
    // Sendable because its users share out the memory among themselves.
    let base: UnsafeMutableRawPointer
    let byteCount: Int
    private let reserved: ReservedMemory?

    init(byteCount: Int) {
        self.byteCount = byteCount
        reserved = nil
        base = .allocateZeroed(byteCount: byteCount, alignment: 64)
    }

    /// Memory that is kept for long, of which not all may be used.
    init(reserving byteCount: Int) {
        self.byteCount = byteCount
        reserved = byteCount >= Self.leastReserved ? ReservedMemory(byteCount: byteCount) : nil
        base = reserved?.base ?? .allocateZeroed(byteCount: byteCount, alignment: 64)
    }

    /// For less, whole pages of its own would be a waste.
    private static let leastReserved = 32 << 10

    /// Room for Floats.
    convenience init(floats count: Int) { self.init(byteCount: count * 4) }

    /// The same memory as Floats.
    var floats: UnsafeMutablePointer<Float> { base.assumingMemoryBound(to: Float.self) }

    deinit { if reserved == nil { base.deallocate() } }
}

extension Int {
    /// Bytes in whole cache lines.
    var roundedUpToCacheLine: Int { (self + 63) / 64 * 64 }
}
