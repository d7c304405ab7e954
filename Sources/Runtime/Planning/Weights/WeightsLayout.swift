// SPDX-License-Identifier: MIT

import Kernels

/// Where each step's weights stand in the block, and how they get there.
struct WeightsLayout {
    /// Floats reserved so far.
    private(set) var count = 0
    private var parts: [(offset: Int, write: (Output) throws -> Void)] = []

    /// Reserves room at a cache line's border; `write` is called with its address if the block is to be filled.
    ///
    /// - Returns: The offset in Floats.
    mutating func reserve(_ count: Int, write: @escaping (Output) throws -> Void) -> Int {
        let offset = (self.count + 15) / 16 * 16
        parts.append((offset, write))
        self.count = offset + count
        return offset
    }

    /// Writes all parts.
    func fill(_ base: Output) throws {
        for part in parts { try part.write(base + part.offset) }
    }
}
