// SPDX-License-Identifier: MIT

import CLinux
import Glibc

/// An open file, socket or other kernel object; closed when the last reference goes.
package final class FileDescriptor: Sendable {
    /// The number the kernel knows it by.
    package let rawValue: Int32

    /// Takes over an open descriptor: from now on this object closes it.
    package init(owning rawValue: Int32) {
        precondition(rawValue >= 0, "a descriptor is never negative")
        self.rawValue = rawValue
    }

    deinit {
        close(rawValue)
    }

    /// Opens a file. The descriptor is closed in programs that this one starts.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - flags: `O_RDONLY` and its like; `O_CLOEXEC` is added.
    ///   - mode: The permissions of a file that the call creates.
    /// - Throws: ``SystemError``.
    package static func open(_ path: String, _ flags: Int32, mode: mode_t = 0o644) throws(SystemError) -> FileDescriptor
    {
        let raw = try retryingInterrupts("open", subject: path) {
            Glibc.open(PathText.cString(path), flags | O_CLOEXEC, mode)
        }
        return FileDescriptor(owning: raw)
    }

    /// Opens a file to write at its end, and makes it if it is missing.
    ///
    /// - Throws: ``SystemError``.
    package static func appending(to path: String) throws(SystemError) -> FileDescriptor {
        try open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK)
    }

    /// Makes this descriptor lead where another does, all at once: who writes to it meanwhile writes to one of the two.
    ///
    /// - Throws: ``SystemError``.
    package func replace(with other: FileDescriptor) throws(SystemError) {
        try retryingInterrupts("dup3") { dup3(other.rawValue, rawValue, O_CLOEXEC) }
    }

    /// Standard output, to write without ever waiting for who reads it.
    ///
    /// Where the system allows, it is opened anew, so that programs that share it with this one go on as before.
    package static func standardOutputNotBlocking() -> FileDescriptor {
        if let own = try? open("/proc/self/fd/1", O_WRONLY | O_APPEND | O_NONBLOCK) { return own }
        let shared = FileDescriptor(owning: 1)
        try? shared.setBlocking(false)
        return shared
    }

    /// Reads what is there, up to the buffer's size.
    ///
    /// - Returns: The number of bytes read; 0 at the end; nil if the descriptor does not block and nothing has come yet.
    /// - Throws: ``SystemError``.
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int? {
        try orNilIfNotReady {
            () throws(SystemError) in
            try retryingInterrupts("read") { Glibc.read(rawValue, buffer.baseAddress, buffer.count) }
        }
    }

    /// Writes as much as the kernel takes now.
    ///
    /// - Returns: The number of bytes written; nil if the descriptor does not block and has no room yet.
    /// - Throws: ``SystemError``.
    package func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int? {
        try orNilIfNotReady {
            () throws(SystemError) in
            try retryingInterrupts("write") { Glibc.write(rawValue, bytes.baseAddress, bytes.count) }
        }
    }

    /// Writes all the bytes to a descriptor that blocks.
    ///
    /// - Throws: ``SystemError``.
    package func writeAll(_ bytes: UnsafeRawBufferPointer) throws(SystemError) {
        var rest = bytes
        while !rest.isEmpty {
            guard let written = try write(rest) else { throw SystemError(call: "write", errno: EAGAIN) }
            rest = UnsafeRawBufferPointer(rebasing: rest[written...])
        }
    }

    /// The size in bytes of the file behind the descriptor.
    ///
    /// - Throws: ``SystemError``.
    package func fileSize() throws(SystemError) -> Int {
        var status = stat()
        try retryingInterrupts("fstat") { fstat(rawValue, &status) }
        return Int(status.st_size)
    }

    /// Makes reads and writes return at once, or wait.
    ///
    /// - Throws: ``SystemError``.
    package func setBlocking(_ blocking: Bool) throws(SystemError) {
        let flags = try retryingInterrupts("fcntl") { fcntl(rawValue, F_GETFL) }
        let wanted = blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK
        if wanted != flags { try retryingInterrupts("fcntl") { fcntl(rawValue, F_SETFL, wanted) } }
    }
}

/// Turns "would block" into nil.
private func orNilIfNotReady(_ body: () throws(SystemError) -> Int) throws(SystemError) -> Int? {
    do {
        return try body()
    } catch  where error.errno == EAGAIN {
        return nil
    }
}
