// SPDX-License-Identifier: MIT

import Tensors

/// Bytes from a cache line's border on, zeroed.
final class AlignedMemory: @unchecked Sendable {
    // Sendable because its users share out the memory among themselves.
    let base: UnsafeMutableRawPointer
    let byteCount: Int

    init(byteCount: Int) {
        self.byteCount = byteCount
        base = .allocateZeroed(byteCount: byteCount, alignment: 64)
    }

    /// Room for Floats.
    convenience init(floats count: Int) { self.init(byteCount: count * 4) }

    /// The same memory as Floats.
    var floats: UnsafeMutablePointer<Float> { base.assumingMemoryBound(to: Float.self) }

    deinit { base.deallocate() }
}

extension Int {
    /// Bytes in whole cache lines.
    var roundedUpToCacheLine: Int { (self + 63) / 64 * 64 }
}
