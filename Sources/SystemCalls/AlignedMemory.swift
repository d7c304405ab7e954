// SPDX-License-Identifier: MIT

/// Bytes from a cache line's border on, zeroed, until the last reference goes.
package final class AlignedMemory: @unchecked Sendable {
    // Sendable because its users share out the memory among themselves.

    /// Where the memory begins.
    package let base: UnsafeMutableRawPointer
    package let byteCount: Int
    private let reserved: ReservedMemory?

    /// Takes memory. Much of it is the kernel's own zeroes, page by page as it is first written, by several threads it may be.
    package convenience init(byteCount: Int) { self.init(byteCount: byteCount, leastReserved: 2 << 20) }

    /// Memory that is kept for long, of which not all may be used. For less than some pages, pages of its own would be a waste.
    package convenience init(reserving byteCount: Int) { self.init(byteCount: byteCount, leastReserved: 32 << 10) }

    private init(byteCount: Int, leastReserved: Int) {
        self.byteCount = byteCount
        reserved = byteCount >= leastReserved ? ReservedMemory(byteCount: byteCount) : nil
        base = reserved?.base ?? .allocateZeroed(byteCount: byteCount, alignment: Self.alignment)
    }

    /// In bytes: a cache line, and a vector of AVX-512.
    package static let alignment = 64

    /// Room for Floats.
    package convenience init(floats count: Int) { self.init(byteCount: count * 4) }

    /// The same memory as Floats.
    package var floats: UnsafeMutablePointer<Float> { base.assumingMemoryBound(to: Float.self) }

    /// Gives the kernel back what it gave page by page: those bytes are zero again. Smaller memory keeps its bytes.
    package func giveBack() { reserved?.giveBack() }

    deinit { if reserved == nil { base.deallocate() } }
}
