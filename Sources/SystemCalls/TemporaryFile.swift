// SPDX-License-Identifier: MIT

import Glibc

/// A file without a name, for bytes that are too many for memory. Goes with its last descriptor or mapping.
package final class TemporaryFile: Sendable {
    private let descriptor: FileDescriptor

    /// Makes an empty file in `TMPDIR`, or in `/tmp`.
    ///
    /// - Throws: ``SystemError``.
    package init() throws(SystemError) {
        let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(folder)/swiftnet-XXXXXX".utf8CString)
        let raw = try retryingInterrupts("mkstemp", subject: folder) { mkstemp(&template) }
        descriptor = FileDescriptor(owning: raw)
        try retryingInterrupts("fcntl", subject: folder) { fcntl(raw, F_SETFD, FD_CLOEXEC) }
        try retryingInterrupts("unlink", subject: folder) { unlink(template) }
    }

    /// Adds bytes at the end.
    package func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) { try descriptor.writeAll(bytes) }

    /// Reads a pipe to its end, and maps what came.
    ///
    /// - Throws: ``SystemError``; `excess()` for more than `limit` bytes.
    package static func holding(
        _ descriptor: FileDescriptor, limit: Int, excess: () -> any Error
    ) throws -> MappedFile {
        let file = try TemporaryFile()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
        defer { buffer.deallocate() }
        var total = 0
        try descriptor.setBlocking(true)
        while let count = try descriptor.read(into: buffer), count > 0 {
            total += count
            guard total <= limit else { throw excess() }
            try file.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
        return try file.mapped()
    }

    /// Maps what was written.
    package func mapped() throws(SystemError) -> MappedFile {
        try MappedFile(descriptor: descriptor, subject: "temporary file", discardable: true)
    }
}
