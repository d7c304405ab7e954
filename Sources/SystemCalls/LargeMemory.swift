// SPDX-License-Identifier: MIT

import CLinux
import Glibc

/// Bytes of a huge page.
private let hugePage = 2 << 20

extension UnsafeMutableRawPointer {
    /// Allocates zeroed bytes for numbers that a processor streams through; free them with `deallocate()`.
    ///
    /// Memory of megabytes is asked for in huge pages: its users visit many pages at a time, more than a processor keeps
    /// the addresses of.
    ///
    /// - Parameter alignment: A power of two, in bytes.
    static func allocateZeroed(byteCount: Int, alignment: Int) -> UnsafeMutableRawPointer {
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

/// Zeroed memory that is kept for long: the kernel gives each page when it is first used, so that what is never used costs
/// nothing.
///
/// Its start lies at a page's border; memory of megabytes is asked for in huge pages.
package final class ReservedMemory: @unchecked Sendable {
    // Sendable because the mapping is fixed; its users agree on how they use the bytes.

    /// Where the memory begins.
    package let base: UnsafeMutableRawPointer
    private let mapping: UnsafeMutableRawBufferPointer

    /// - Returns: nil if the kernel gives no memory.
    package init?(byteCount: Int) {
        let isLarge = byteCount >= hugePage
        let size = max(byteCount, 1) + (isLarge ? 2 * hugePage : 0)
        let start = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let start, start != MAP_FAILED else { return nil }
        mapping = UnsafeMutableRawBufferPointer(start: start, count: size)
        base = isLarge ? start.alignedUp(toMultipleOf: hugePage) : start
        // What is over at both ends is never used.
        if isLarge { madvise(base, (byteCount + hugePage - 1) / hugePage * hugePage, MADV_HUGEPAGE) }
    }

    /// Gives all pages back to the kernel: the bytes are zero again, and take memory again as they are written.
    package func giveBack() { madvise(mapping.baseAddress, mapping.count, MADV_DONTNEED) }

    deinit { munmap(mapping.baseAddress, mapping.count) }
}
