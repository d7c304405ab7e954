// SPDX-License-Identifier: MIT

import CLinux
import Glibc

/// Memory behind a descriptor, mapped into this process and every other that is given the descriptor.
package final class SharedMemory: @unchecked Sendable {
    // Sendable because the mapping is fixed; its users agree on how they use the bytes.

    /// The descriptor to give to another process.
    package let descriptor: FileDescriptor
    /// Where the memory stands here. Its size is a multiple of nothing in particular.
    package let bytes: UnsafeMutableRawBufferPointer

    /// Makes zeroed memory of a fixed size.
    ///
    /// - Parameter name: Shown in `/proc/<pid>/maps`.
    /// - Throws: ``SystemError``.
    package convenience init(name: String, byteCount: Int) throws(SystemError) {
        let flags = UInt32(MFD_CLOEXEC | MFD_ALLOW_SEALING)
        let descriptor = FileDescriptor(
            owning: try retryingInterrupts("memfd_create", subject: name) { memfd_create(name, flags) })
        try retryingInterrupts("ftruncate") { ftruncate(descriptor.rawValue, byteCount) }
        try retryingInterrupts("fcntl") { fcntl(descriptor.rawValue, addSeals, sealShrink | sealGrow) }
        try self.init(mapping: descriptor)
    }

    /// Maps all of the memory behind a descriptor, to read and write.
    ///
    /// - Throws: ``SystemError``.
    package init(mapping descriptor: FileDescriptor) throws(SystemError) {
        let size = try descriptor.fileSize()
        let address = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor.rawValue, 0)
        guard let address, address != MAP_FAILED else { throw SystemError(call: "mmap") }
        self.descriptor = descriptor
        bytes = UnsafeMutableRawBufferPointer(start: address, count: size)
    }

    deinit {
        munmap(bytes.baseAddress, bytes.count)
    }
}

extension FileDescriptor {
    /// Memory without a size yet, for ``fillOnce(byteCount:_:)`` in this process or one that is given the descriptor.
    ///
    /// - Parameter name: Shown in `/proc/<pid>/maps`.
    /// - Throws: ``SystemError``.
    package static func unfilledMemory(name: String) throws(SystemError) -> FileDescriptor {
        let flags = UInt32(MFD_CLOEXEC | MFD_ALLOW_SEALING)
        return FileDescriptor(
            owning: try retryingInterrupts("memfd_create", subject: name) { memfd_create(name, flags) })
    }

    /// Gives the memory its size and content, after which no process can change either.
    ///
    /// - Throws: ``SystemError``, or what `body` throws.
    package func fillOnce(byteCount: Int, _ body: (UnsafeMutableRawBufferPointer) throws -> Void) throws {
        try retryingInterrupts("ftruncate") { ftruncate(rawValue, byteCount) }
        let address = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, rawValue, 0)
        guard let address, address != MAP_FAILED else { throw SystemError(call: "mmap") }
        do {
            // The kernel seals only what nobody has mapped to write.
            defer { munmap(address, byteCount) }
            try body(UnsafeMutableRawBufferPointer(start: address, count: byteCount))
        }
        // While the kernel moves one of the pages, the memory counts as busy.
        var attempts = 0
        while fcntl(rawValue, addSeals, sealSeal | sealShrink | sealGrow | sealWrite) == -1 {
            let code = errno
            attempts += 1
            guard code == EINTR || code == EBUSY && attempts < 100 else {
                throw SystemError(call: "fcntl", errno: code)
            }
            SystemClock.sleep(milliseconds: 10)
        }
    }
}

// Values of <linux/fcntl.h> that the Swift modules leave out.
private let addSeals: Int32 = 1033
private let sealShrink: Int32 = 2
private let sealGrow: Int32 = 4
private let sealSeal: Int32 = 1
private let sealWrite: Int32 = 8
