// SPDX-License-Identifier: MIT

import Tensors

/// Memory for Floats at a cache line's border, zeroed.
final class FloatBuffer: @unchecked Sendable {
    // Sendable because its users share out the memory among themselves.
    let base: UnsafeMutablePointer<Float>
    let count: Int

    init(count: Int) {
        self.count = count
        base = UnsafeMutableRawPointer.allocateZeroed(byteCount: count * 4, alignment: 64)
            .bindMemory(to: Float.self, capacity: count)
    }

    deinit { base.deallocate() }
}
