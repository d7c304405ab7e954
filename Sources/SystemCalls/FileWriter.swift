// SPDX-License-Identifier: MIT

import CLinux
import Glibc

/// Writes a file that appears under its name whole, or not at all.
///
/// The bytes go to a temporary file beside it, which ``finish()`` syncs and renames. Without that call, after an error for
/// instance, the temporary file goes and a file that had the name before is as it was. Where the file system can, the
/// temporary file has no name, and goes even when the process is killed.
package final class FileWriter {
    /// What may lie at the path already.
    package enum Existing: Sendable {
        /// A file, whose place, owner and permissions the new one takes; of a link, the file that it leads to. Neither a
        /// device nor a pipe: those are refused.
        case replace
        /// Nothing: a file that is there stays, and ``finish()`` fails with `EEXIST`.
        case refuse
    }

    private let path: String
    private let folder: String
    private let temporaryPath: String
    private let existing: Existing
    private let descriptor: FileDescriptor
    /// The temporary file has a name that must be taken away again.
    private var isNamed: Bool
    private var buffer: [UInt8] = []
    private var kept: FileAttributes?
    private static let bufferBytes = 1 << 18
    /// Bytes whose way to the disk has begun.
    private var startedBytes = 0
    private static let stretchBytes = 32 << 20

    /// Bytes written so far.
    package private(set) var offset = 0

    /// Begins to write the file `path`.
    ///
    /// - Throws: ``SystemError``.
    package init(_ path: String, existing: Existing) throws(SystemError) {
        let target = existing == .replace ? try FileSystem.followingLinks(path) : path
        self.path = target
        self.existing = existing
        // Only a file is ever replaced: a rename over a device, a pipe or a socket would take it from everyone.
        let present = existing == .replace ? try FileSystem.entry(at: target) : nil
        guard present == nil || present == .file else {
            throw SystemError(call: "replace", errno: present == .directory ? EISDIR : EEXIST, subject: path)
        }
        folder = FileSystem.folder(of: target)
        temporaryPath = "\(folder)/.\(getpid())-\(UInt32.random(in: 0 ... .max)).partial"
        if let unnamed = Self.openUnnamed(in: folder) {
            descriptor = unnamed
            isNamed = false
        } else {
            do {
                descriptor = try FileDescriptor.open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL, mode: 0o666)
            } catch {
                // Of a name that nobody has chosen nobody should hear.
                throw SystemError(call: error.call, errno: error.errno, subject: path)
            }
            isNamed = true
        }
        buffer.reserveCapacity(Self.bufferBytes)
        var status = stat()
        if present == .file && stat(PathText.cString(target), &status) == 0 {
            // The owner first: a change of owner takes bits of the mode away. Only root may give files to others.
            _ = fchown(descriptor.rawValue, status.st_uid, status.st_gid)
            fchmod(descriptor.rawValue, status.st_mode & 0o7777)
        }
    }

    /// Begins to write the file `path`, in place of one that may be there.
    ///
    /// - Throws: ``SystemError``.
    package convenience init(replacing path: String) throws(SystemError) {
        try self.init(path, existing: .replace)
    }

    deinit {
        if isNamed { unlink(PathText.cString(temporaryPath)) }
    }

    /// Opens a file without a name; nil where there are none, or where they could not be given one later.
    private static func openUnnamed(in folder: String) -> FileDescriptor? {
        // O_TMPFILE, whose definition Swift does not import.
        let unnamed = 0o20000000 | O_DIRECTORY
        guard let descriptor = try? FileDescriptor.open(folder, O_WRONLY | unnamed, mode: 0o666) else { return nil }
        return access(place(of: descriptor), F_OK) == 0 ? descriptor : nil
    }

    private static func place(of descriptor: FileDescriptor) -> String { "/proc/self/fd/\(descriptor.rawValue)" }

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
        startWriteOut()
    }

    /// Lets the disk begin with what is complete, so that the sync at the end has little left to wait for.
    private func startWriteOut() {
        guard offset - startedBytes >= Self.stretchBytes else { return }
        // Only advice: what goes wrong is found by the sync.
        _ = sync_file_range(
            descriptor.rawValue, off_t(startedBytes), off_t(Self.stretchBytes), UInt32(SYNC_FILE_RANGE_WRITE))
        startedBytes += Self.stretchBytes
    }

    /// Adds bytes at the end.
    package func write(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try write($0) }
    }

    /// Has ``finish()`` give the file another's attributes: owner, permissions, times.
    package func keep(_ attributes: FileAttributes) { kept = attributes }

    /// Syncs the bytes to the disk and gives the file its name.
    ///
    /// - Throws: ``SystemError``.
    package func finish() throws {
        try flush()
        kept?.apply(to: descriptor)
        try retryingInterrupts("fsync", subject: temporaryPath) { fsync(descriptor.rawValue) }
        try giveName()
        // The new name is on the disk once its folder is.
        let folderDescriptor = try FileDescriptor.open(folder, O_RDONLY | O_DIRECTORY)
        try retryingInterrupts("fsync", subject: folder) { fsync(folderDescriptor.rawValue) }
    }

    /// Gives the file its name. A link refuses a name that is taken, where the file system knows links.
    private func giveName() throws {
        if existing == .refuse {
            if linkFile(to: path) { return }
            let knowsLinks = ![EPERM, EOPNOTSUPP, ENOSYS].contains(errno)
            if knowsLinks { throw SystemError(call: "link", errno: errno, subject: path) }
            var status = stat()
            if lstat(PathText.cString(path), &status) == 0 {
                throw SystemError(call: "link", errno: EEXIST, subject: path)
            }
        }
        if !isNamed {
            guard linkFile(to: temporaryPath) else {
                throw SystemError(call: "link", errno: errno, subject: temporaryPath)
            }
            isNamed = true
        }
        try retryingInterrupts("rename", subject: path) {
            rename(PathText.cString(temporaryPath), PathText.cString(path))
        }
        isNamed = false
    }

    /// Gives the file one more name; tells whether it could. A named temporary file loses its own when the writer goes.
    private func linkFile(to name: String) -> Bool {
        let source = isNamed ? temporaryPath : Self.place(of: descriptor)
        return linkat(
            AT_FDCWD, PathText.cString(source), AT_FDCWD, PathText.cString(name), isNamed ? 0 : AT_SYMLINK_FOLLOW) == 0
    }

    private func flush() throws {
        try buffer.withUnsafeBytes { try descriptor.writeAll($0) }
        buffer.removeAll(keepingCapacity: true)
    }
}
