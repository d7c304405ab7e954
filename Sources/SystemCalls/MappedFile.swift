// SPDX-License-Identifier: MIT

import CLinux
import Glibc

/// A regular file mapped read-only into memory, until the last reference goes.
///
/// Who shortens the file meanwhile makes reads of the lost part fail with `SIGBUS`: files are to be replaced by renaming.
package final class MappedFile: @unchecked Sendable {
    // Sendable holds because nobody writes to the mapping.

    /// The whole file.
    package let bytes: UnsafeRawBufferPointer
    private let discardable: Bool

    /// Maps a file.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - discardable: The pages may be given back with ``discard(_:)``; the mapping serves a single pass.
    /// - Throws: ``SystemError``; `EISDIR` or `EINVAL` for what is no regular file.
    package convenience init(path: String, discardable: Bool = false) throws(SystemError) {
        let descriptor = try FileDescriptor.open(path, O_RDONLY | O_NONBLOCK)
        try self.init(descriptor: descriptor, subject: path, discardable: discardable)
    }

    /// Maps an open file, which may be closed afterwards.
    package init(descriptor: FileDescriptor, subject: String, discardable: Bool = false) throws(SystemError) {
        var status = stat()
        try retryingInterrupts("fstat", subject: subject) { fstat(descriptor.rawValue, &status) }
        let kind = status.st_mode & S_IFMT
        guard kind == S_IFREG else {
            throw SystemError(call: "mmap", errno: kind == S_IFDIR ? EISDIR : EINVAL, subject: subject)
        }
        let count = Int(status.st_size)
        self.discardable = discardable
        guard count > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        let address = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor.rawValue, 0)
        guard let address, address != MAP_FAILED else { throw SystemError(call: "mmap", subject: subject) }
        bytes = UnsafeRawBufferPointer(start: address, count: count)
    }

    deinit {
        if let address = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: address), bytes.count) }
    }

    /// Prefetches the pages of `range` from the file, where the kernel can.
    package func prefetch(_ range: Range<Int>) {
        advise(range.lowerBound / Self.pageSize * Self.pageSize..<range.upperBound, Int32(MADV_POPULATE_READ))
    }

    /// Gives back the memory of the pages of `range`. They can still be read, at the price of reading the file again. Does
    /// nothing unless the mapping was made discardable.
    package func discard(_ range: Range<Int>) {
        guard discardable else { return }
        let first = max(0, range.lowerBound - Self.neighbourhood) / Self.pageSize * Self.pageSize
        advise(first..<min(bytes.count, range.upperBound + Self.neighbourhood), Int32(MADV_DONTNEED))
    }

    /// Gives back the memory of all pages, as ``discard(_:)`` does.
    package func discardAll() { discard(0..<bytes.count) }

    /// Gives back the memory of the whole pages in a part of ``bytes``, which is not expected to be read again. It still can be, at
    /// the price of reading the file again.
    package func release(_ part: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, let start = part.baseAddress, start >= base else { return }
        let (first, last) = (start - base, start - base + part.count)
        let lower = (first + Self.pageSize - 1) / Self.pageSize * Self.pageSize
        let upper = last / Self.pageSize * Self.pageSize
        if lower < upper { advise(lower..<upper, Int32(MADV_DONTNEED)) }
    }

    private func advise(_ range: Range<Int>, _ advice: Int32) {
        guard let address = bytes.baseAddress, !range.isEmpty, range.lowerBound >= 0, range.upperBound <= bytes.count
        else {
            return
        }
        // Only advice: where the kernel does not take it, the pages come and go as they would have.
        _ = madvise(UnsafeMutableRawPointer(mutating: address + range.lowerBound), range.count, advice)
    }

    private static let pageSize = Int(sysconf(Int32(_SC_PAGESIZE)))
    /// The kernel may map so much around a page that is touched: what it holds in one piece.
    private static let neighbourhood = 2 << 20
}
