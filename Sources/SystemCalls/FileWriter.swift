// SPDX-License-Identifier: MIT

import Glibc

/// Writes a file that appears under its name whole, or not at all.
///
/// The bytes go to a temporary file beside it, which ``finish()`` syncs and renames. Without that call, after an error for
/// instance, the temporary file goes and a file that had the name before is as it was.
package final class FileWriter {
    private let path: String
    private let temporaryPath: String
    private let descriptor: FileDescriptor
    private var buffer: [UInt8] = []
    private var isFinished = false
    private static let bufferBytes = 1 << 18

    /// Bytes written so far.
    package private(set) var offset = 0

    /// Begins to write the file `path`.
    ///
    /// - Throws: ``SystemError``.
    package init(replacing path: String) throws(SystemError) {
        self.path = path
        temporaryPath = "\(path).\(getpid())-\(UInt32.random(in: 0 ... .max)).partial"
        descriptor = try FileDescriptor.open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL, mode: 0o666)
        buffer.reserveCapacity(Self.bufferBytes)
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
        try retryingInterrupts("rename", subject: path) { rename(temporaryPath, path) }
        isFinished = true
        // The new name is on the disk once its folder is.
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let folderDescriptor = try FileDescriptor.open(folder, O_RDONLY | O_DIRECTORY)
        try retryingInterrupts("fsync", subject: folder) { fsync(folderDescriptor.rawValue) }
    }

    private func flush() throws {
        try buffer.withUnsafeBytes { try descriptor.writeAll($0) }
        buffer.removeAll(keepingCapacity: true)
    }
}
