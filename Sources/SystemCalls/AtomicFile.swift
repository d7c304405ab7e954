// SPDX-License-Identifier: MIT

import Glibc

/// Files that appear whole or not at all: written under another name, forced to disk, then renamed.
package enum AtomicFile {
    /// What may lie at the path already.
    package enum Existing: Sendable {
        /// Nothing: a file that is there stays, and the call fails with `EEXIST`.
        case refuse
        /// The file that the new one takes the place and permissions of.
        case replace
    }

    /// Writes a file. Whatever fails, what lay at the path before lies there still, and nothing else is left behind.
    ///
    /// - Parameters:
    ///   - bytes: The whole file.
    ///   - path: Where it is to lie; where a link leads if it is one and is replaced.
    /// - Throws: ``SystemError``: `EEXIST`, `EACCES`, `ENOSPC` and their like.
    package static func write(
        _ bytes: UnsafeRawBufferPointer, to path: String, existing: Existing
    ) throws(SystemError) {
        let target = existing == .replace ? FileSystem.canonical(path) ?? path : path
        let folder = parent(of: target)
        var template = Array("\(folder)/.swiftnet-XXXXXX".utf8CString)
        let raw = try retryingInterrupts("mkstemp", subject: folder) { mkstemp(&template) }
        let descriptor = FileDescriptor(owning: raw)
        do throws(SystemError) {
            try retryingInterrupts("fcntl", subject: path) { fcntl(raw, F_SETFD, FD_CLOEXEC) }
            try retryingInterrupts("fchmod", subject: path) { fchmod(raw, permissions(of: target, existing)) }
            try descriptor.writeAll(bytes)
            try retryingInterrupts("fsync", subject: path) { fsync(raw) }
            try move(template, to: target, existing)
        } catch {
            unlink(template)
            throw SystemError(call: error.call, errno: error.errno, subject: error.subject ?? path)
        }
        if let directory = try? FileDescriptor.open(folder, O_RDONLY | O_DIRECTORY) { fsync(directory.rawValue) }
    }

    /// Gives the new file its name. A link refuses a name that is taken, where the file system knows links.
    private static func move(_ source: [CChar], to target: String, _ existing: Existing) throws(SystemError) {
        if existing == .refuse {
            if link(source, target) == 0 {
                unlink(source)
                return
            }
            let knowsLinks = ![EPERM, EOPNOTSUPP, ENOSYS].contains(errno)
            if knowsLinks { throw SystemError(call: "link", errno: errno, subject: target) }
            if access(target, F_OK) == 0 { throw SystemError(call: "link", errno: EEXIST, subject: target) }
        }
        try retryingInterrupts("rename", subject: target) { rename(source, target) }
    }

    /// Those of the file that is replaced, else those that any new file gets.
    private static func permissions(of target: String, _ existing: Existing) -> mode_t {
        var status = stat()
        if existing == .replace, stat(target, &status) == 0 { return status.st_mode & 0o7777 }
        let mask = umask(0)
        umask(mask)
        return 0o666 & ~mask
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

extension SystemError {
    /// Whether the call failed because a path leads to something.
    package var isAboutExistingFile: Bool { errno == EEXIST }
}
