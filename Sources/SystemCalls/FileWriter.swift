// SPDX-License-Identifier: MIT

import Glibc

/// Writes a file that appears under its name whole, or not at all.
///
/// The bytes go to a temporary file beside it, which ``finish()`` syncs and renames. Without that call, after an error for
/// instance, the temporary file goes and a file that had the name before is as it was.
package final class FileWriter {
    /// What may lie at the path already.
    package enum Existing: Sendable {
        /// A file, whose place and permissions the new one takes; of a link, the file that it leads to.
        case replace
        /// Nothing: a file that is there stays, and ``finish()`` fails with `EEXIST`.
        case refuse
    }

    private let path: String
    private let folder: String
    private let temporaryPath: String
    private let existing: Existing
    private let descriptor: FileDescriptor
    private var buffer: [UInt8] = []
    private var isFinished = false
    private static let bufferBytes = 1 << 18

    /// Bytes written so far.
    package private(set) var offset = 0

    /// Begins to write the file `path`.
    ///
    /// - Throws: ``SystemError``.
    package init(_ path: String, existing: Existing) throws(SystemError) {
        let target = existing == .replace ? FileSystem.canonical(path) ?? path : path
        self.path = target
        self.existing = existing
        folder = target.lastIndex(of: "/").map { $0 == target.startIndex ? "/" : String(target[..<$0]) } ?? "."
        temporaryPath = "\(folder)/.\(getpid())-\(UInt32.random(in: 0 ... .max)).partial"
        descriptor = try FileDescriptor.open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL, mode: 0o666)
        buffer.reserveCapacity(Self.bufferBytes)
        var status = stat()
        if existing == .replace && stat(target, &status) == 0 { fchmod(descriptor.rawValue, status.st_mode & 0o7777) }
    }

    /// Begins to write the file `path`, in place of one that may be there.
    ///
    /// - Throws: ``SystemError``.
    package convenience init(replacing path: String) throws(SystemError) {
        try self.init(path, existing: .replace)
    }

    deinit {
        if !isFinished { unlink(temporaryPath) }
    }

    /// Adds bytes at the end.
    ///
    /// - Throws: ``SystemError``, `ENOSPC` where the disk is full.
    package func write(_ bytes: UnsafeRawBufferPointer) throws {
        if buffer.count + bytes.count > Self.bufferBytes { try flush() }
        if bytes.count >= Self.bufferBytes {
            try descriptor.writeAll(bytes)
        } else {
            buffer.append(contentsOf: bytes)
        }
        offset += bytes.count
    }

    /// Adds bytes at the end.
    package func write(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try write($0) }
    }

    /// Syncs the bytes to the disk and gives the file its name.
    ///
    /// - Throws: ``SystemError``.
    package func finish() throws {
        try flush()
        try retryingInterrupts("fsync", subject: temporaryPath) { fsync(descriptor.rawValue) }
        try giveName()
        isFinished = true
        // The new name is on the disk once its folder is.
        let folderDescriptor = try FileDescriptor.open(folder, O_RDONLY | O_DIRECTORY)
        try retryingInterrupts("fsync", subject: folder) { fsync(folderDescriptor.rawValue) }
    }

    /// Gives the file its name. A link refuses a name that is taken, where the file system knows links.
    private func giveName() throws(SystemError) {
        if existing == .refuse {
            if link(temporaryPath, path) == 0 {
                unlink(temporaryPath)
                return
            }
            let knowsLinks = ![EPERM, EOPNOTSUPP, ENOSYS].contains(errno)
            if knowsLinks { throw SystemError(call: "link", errno: errno, subject: path) }
            if access(path, F_OK) == 0 { throw SystemError(call: "link", errno: EEXIST, subject: path) }
        }
        try retryingInterrupts("rename", subject: path) { rename(temporaryPath, path) }
    }

    private func flush() throws {
        try buffer.withUnsafeBytes { try descriptor.writeAll($0) }
        buffer.removeAll(keepingCapacity: true)
    }
}
