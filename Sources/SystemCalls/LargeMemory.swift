// SPDX-License-Identifier: MIT

import CLinux
import Glibc

extension UnsafeMutableRawPointer {
    /// Allocates zeroed bytes for numbers that a processor streams through; free them with `deallocate()`.
    ///
    /// Memory of megabytes is asked for in huge pages: its users visit many pages at a time, more than a processor keeps
    /// the addresses of.
    ///
    /// - Parameter alignment: A power of two, in bytes.
    package static func allocateZeroed(byteCount: Int, alignment: Int) -> UnsafeMutableRawPointer {
        let hugePage = 2 << 20
        let isLarge = byteCount >= hugePage
        let size = isLarge ? (byteCount + hugePage - 1) / hugePage * hugePage : max(byteCount, 1)
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: size, alignment: isLarge ? max(alignment, hugePage) : alignment)
        // A kernel that has none, or no more of them, gives ordinary pages.
        if isLarge { madvise(memory, size, MADV_HUGEPAGE) }
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: max(byteCount, 1))
        return memory
    }
}
