// SPDX-License-Identifier: MIT

import Glibc

/// What a path leads to.
package enum FileKind: Sendable, Equatable {
    case file
    case directory
    /// A pipe, a socket, a device.
    case other
}

/// Questions to the file system.
package enum FileSystem {
    /// What a path leads to, links followed.
    ///
    /// - Throws: ``SystemError``, with `ENOENT` if there is nothing.
    package static func kind(of path: String) throws(SystemError) -> FileKind {
        var status = stat()
        try retryingInterrupts("stat", subject: path) { stat(PathText.cString(path), &status) }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return .file
        case S_IFDIR: return .directory
        default: return .other
        }
    }

    /// What there is at a path, for who wants to write to it.
    package enum Entry: Sendable, Equatable {
        case file, directory, pipe, characterDevice, blockDevice, socket
        /// A link that leads nowhere.
        case missing
    }

    /// What there is at a path, links followed; nil where there is nothing.
    ///
    /// - Throws: ``SystemError``.
    package static func entry(at path: String) throws(SystemError) -> Entry? {
        var status = stat()
        if stat(PathText.cString(path), &status) != 0 {
            guard errno == ENOENT else { throw SystemError(call: "stat", subject: path) }
            return link(at: path) == nil ? nil : .missing
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return .file
        case S_IFDIR: return .directory
        case S_IFIFO: return .pipe
        case S_IFCHR: return .characterDevice
        case S_IFBLK: return .blockDevice
        default: return .socket
        }
    }

    /// Where the symbolic link at `path` leads, as it says; nil for what is no link.
    package static func link(at path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(PathText.cString(path), &buffer, buffer.count)
        return count < 0 ? nil : PathText.text(buffer[..<count].map { UInt8(bitPattern: $0) })
    }

    /// The path that is left once links at its end are followed, whether or not there is something.
    ///
    /// - Throws: ``SystemError``, `ELOOP`.
    package static func followingLinks(_ path: String) throws(SystemError) -> String {
        if let canonical = canonical(path) { return canonical }
        var path = path
        for _ in 0..<40 {
            guard let next = link(at: path) else { return path }
            path = next.hasPrefix("/") ? next : folder(of: path) + "/" + next
        }
        throw SystemError(call: "open", errno: ELOOP, subject: path)
    }

    /// The folder that a path names something in.
    package static func folder(of path: String) -> String {
        // By bytes: a name may begin with a mark that joins the slash before it.
        path.utf8.lastIndex(of: UInt8(ascii: "/"))
            .map { $0 == path.startIndex ? "/" : String(decoding: path.utf8[..<$0], as: UTF8.self) } ?? "."
    }

    /// The size of a file in bytes.
    ///
    /// - Throws: ``SystemError``.
    package static func size(of path: String) throws(SystemError) -> Int {
        var status = stat()
        try retryingInterrupts("stat", subject: path) { stat(PathText.cString(path), &status) }
        return Int(status.st_size)
    }

    /// The names in a folder, sorted by their bytes, without `.` and `..`.
    ///
    /// - Throws: ``SystemError``.
    package static func names(in path: String) throws(SystemError) -> [String] {
        guard let directory = opendir(PathText.cString(path)) else {
            throw SystemError(call: "opendir", errno: errno, subject: path)
        }
        defer { closedir(directory) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(directory) else {
                if errno != 0 { throw SystemError(call: "readdir", errno: errno, subject: path) }
                break
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
                    PathText.text(UnsafeRawBufferPointer(start: $0, count: strlen($0)))
                }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Whether this process may make files in a folder.
    package static func canWrite(in folder: String) -> Bool {
        access(PathText.cString(folder), W_OK | X_OK) == 0
    }

    /// Makes sure that files can be made in a folder.
    ///
    /// - Throws: ``SystemError``.
    package static func checkCanWrite(in folder: String) throws(SystemError) {
        try retryingInterrupts("write into", subject: folder) { access(PathText.cString(folder), W_OK | X_OK) }
    }

    /// Makes a folder; there must be none of that name yet.
    ///
    /// - Throws: ``SystemError``.
    package static func makeFolder(_ path: String) throws(SystemError) {
        try retryingInterrupts("mkdir", subject: path) { mkdir(PathText.cString(path), 0o777) }
    }

    /// Makes a folder, and those above it that are missing.
    ///
    /// - Returns: Whether there was none.
    /// - Throws: ``SystemError``.
    @discardableResult
    package static func makeFolders(_ path: String) throws(SystemError) -> Bool {
        if (try? kind(of: path)) == .directory { return false }
        do throws(SystemError) {
            try makeFolder(path)
        } catch {
            let slash = UInt8(ascii: "/")
            let end = path.utf8.lastIndex { $0 != slash } ?? path.startIndex
            let parentEnd = path.utf8[..<end].lastIndex(of: slash)
            guard error.errno == ENOENT, let parentEnd, parentEnd > path.startIndex else { throw error }
            let parent = String(decoding: path.utf8[..<parentEnd], as: UTF8.self)
            try makeFolders(parent)
            try makeFolder(path)
        }
        return true
    }

    /// Removes a file.
    ///
    /// - Throws: ``SystemError``.
    package static func removeFile(_ path: String) throws(SystemError) {
        try retryingInterrupts("unlink", subject: path) { unlink(PathText.cString(path)) }
    }

    /// Removes an empty folder.
    ///
    /// - Throws: ``SystemError``.
    package static func removeFolder(_ path: String) throws(SystemError) {
        try retryingInterrupts("rmdir", subject: path) { rmdir(PathText.cString(path)) }
    }

    /// The path with links followed and without `.` and `..`; nil if it leads nowhere.
    package static func canonical(_ path: String) -> String? {
        guard let resolved = realpath(PathText.cString(path), nil) else { return nil }
        defer { free(resolved) }
        return PathText.text(UnsafeRawBufferPointer(start: resolved, count: strlen(resolved)))
    }
}

extension FileDescriptor {
    /// Standard input of this process, under a number of its own.
    ///
    /// - Throws: ``SystemError``.
    package static func standardInput() throws(SystemError) -> FileDescriptor {
        try duplicating(0, subject: "standard input")
    }

    /// What is open under a number of this process, under a number of its own.
    ///
    /// - Throws: ``SystemError``, `EBADF` where nothing is open.
    package static func duplicating(_ number: Int32, subject: String) throws(SystemError) -> FileDescriptor {
        FileDescriptor(owning: try retryingInterrupts("dup", subject: subject) { fcntl(number, F_DUPFD_CLOEXEC, 3) })
    }

    /// Reads to the end, or to `limit` bytes and one more: a longer answer tells that there was too much.
    ///
    /// - Throws: ``SystemError``.
    package func readAll(limit: Int) throws(SystemError) -> [UInt8] {
        let expected = (try? fileSize()) ?? 0
        var bytes: [UInt8] = []
        bytes.reserveCapacity(min(max(expected, 0), limit) + 1)
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count <= limit {
            let room = min(chunk.count, limit + 1 - bytes.count)
            var count = 0
            do {
                count = try chunk.withUnsafeMutableBytes { buffer in
                    try read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<room])) ?? 0
                }
            } catch let error as SystemError {
                throw error
            } catch {
                preconditionFailure("reading throws only SystemError, not \(error)")
            }
            if count == 0 { break }
            bytes.append(contentsOf: chunk[..<count])
        }
        return bytes
    }
}

extension FileDescriptor {
    /// The bytes of a file, at most `limit` and one more: a longer answer tells that there was too much.
    ///
    /// - Throws: ``SystemError`` with the path.
    package static func contents(of path: String, limit: Int) throws(SystemError) -> [UInt8] {
        let file = try open(path, readOnly)
        do {
            return try file.readAll(limit: limit)
        } catch {
            throw SystemError(call: error.call, errno: error.errno, subject: error.subject ?? path)
        }
    }

    /// Opens a regular file to be read. Never waits, as a pipe would have it, and does nothing to devices.
    ///
    /// - Throws: ``SystemError``; `EINVAL` for anything but a regular file.
    package static func openRegular(_ path: String) throws(SystemError) -> FileDescriptor {
        let descriptor = try open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
        var status = stat()
        try retryingInterrupts("fstat", subject: path) { fstat(descriptor.rawValue, &status) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw SystemError(call: "open", errno: EINVAL, subject: path) }
        return descriptor
    }

    /// Flag of `open` for reading only.
    package static let readOnly = O_RDONLY
}

extension SystemError {
    /// Whether the call failed because a path leads to something already.
    package var isAboutExistingFile: Bool { errno == EEXIST }

    /// Whether the call failed because a path leads nowhere.
    package var isAboutMissingFile: Bool { errno == ENOENT || errno == ENOTDIR }

    /// Whether a folder stands where a file was expected.
    package var isAboutFolder: Bool { errno == EISDIR }
}

extension FileSystem {
    /// A path from the root on, links as they are.
    package static func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        guard let folder = getcwd(nil, 0) else { return path }
        defer { free(folder) }
        return String(cString: folder) + "/" + path
    }
}
