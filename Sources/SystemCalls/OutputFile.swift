// SPDX-License-Identifier: MIT

import Glibc

/// A file that a command writes for its user, by one rule: output never destroys.
///
/// - A pipe, a terminal and any other character device is written through, as is `/dev/stdout`.
/// - A link, a file that exists and a block device need consent: ``Existing/replace``, which commands call `--force`. A link
///   is kept then, and what it leads to is replaced.
/// - Without consent, a file that has just these bytes already stays as it is, and that is no error.
/// - A regular file appears under its name whole, or not at all.
package final class OutputFile {
    /// What may be at the path already.
    package enum Existing: Sendable {
        /// Nothing but a pipe or a device. For outputs that never come out the same twice.
        case refuse
        /// A file with the same bytes, too.
        case keepIfSame
        /// Anything but a folder or a socket.
        case replace
    }

    /// What ``finish()`` did.
    package enum Outcome: Sendable, Equatable {
        case written
        /// The file has had these bytes already.
        case unchanged
    }

    private enum Target {
        case file(FileWriter)
        /// A pipe or device, or an open descriptor: bytes go to it as they come.
        case through(FileDescriptor)
        /// A file that exists, against which the bytes are compared.
        case comparison(MappedFile)
    }

    /// The path as it was given.
    package let path: String
    private let target: Target
    /// Bytes written so far.
    package private(set) var offset = 0

    /// Begins to write to `path`.
    ///
    /// - Throws: ``OutputError`` where the rule refuses; ``SystemError`` where the file cannot be made.
    package init(_ path: String, existing: Existing) throws {
        self.path = path
        target = try Self.open(path, existing: existing)
    }

    private static func open(_ path: String, existing: Existing) throws -> Target {
        if let number = descriptorNumber(path) {
            return .through(try FileDescriptor.duplicating(number, subject: path))
        }
        switch try FileSystem.entry(at: path) {
        case nil: return .file(try FileWriter(path, existing: .refuse))
        case .pipe, .characterDevice: return .through(try openThrough(path))
        case .file, .missing:
            try checkLink(path, existing)
            switch existing {
            case .replace: return .file(try FileWriter(path, existing: .replace))
            case .refuse: throw OutputError.exists(path)
            case .keepIfSame: return .comparison(try MappedFile(path: path))
            }
        case .blockDevice:
            guard existing == .replace else { throw OutputError.blockDevice(path) }
            return .through(try FileDescriptor.open(path, O_WRONLY))
        case .directory: throw OutputError.folder(path)
        case .socket: throw OutputError.socket(path)
        }
    }

    /// Whether what is written can be read back at the path.
    package var isRegular: Bool {
        if case .through = target { return false }
        return true
    }

    /// Adds bytes at the end.
    ///
    /// - Throws: ``SystemError``; ``OutputError`` as soon as a file that is kept turns out to have other bytes.
    package func write(_ bytes: UnsafeRawBufferPointer) throws {
        switch target {
        case .file(let writer): try writer.write(bytes)
        case .through(let descriptor): try descriptor.writeAll(bytes)
        case .comparison(let present):
            guard present.bytes.count - offset >= bytes.count else { throw OutputError.exists(path) }
            if let base = present.bytes.baseAddress, let start = bytes.baseAddress, !bytes.isEmpty {
                guard memcmp(base + offset, start, bytes.count) == 0 else { throw OutputError.exists(path) }
            }
        }
        offset += bytes.count
    }

    /// Adds bytes at the end.
    package func write(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try write($0) }
    }

    /// Has ``finish()`` give a regular file another's attributes: owner, permissions, times.
    package func keep(_ attributes: FileAttributes) {
        if case .file(let writer) = target { writer.keep(attributes) }
    }

    /// Gives the file its name, once all is written.
    ///
    /// - Throws: ``SystemError``; ``OutputError`` where a file has come to the path meanwhile, or has other bytes.
    package func finish() throws -> Outcome {
        switch target {
        case .file(let writer):
            do {
                try writer.finish()
            } catch {
                let isTaken = (error as? SystemError)?.isAboutExistingFile == true
                throw isTaken ? OutputError.exists(path) : error
            }
            return .written
        case .through: return .written
        case .comparison(let present):
            guard present.bytes.count == offset else { throw OutputError.exists(path) }
            return .unchanged
        }
    }

    /// Writes all of a file.
    ///
    /// - Throws: ``SystemError``, ``OutputError``.
    @discardableResult
    package static func write(_ bytes: [UInt8], to path: String, existing: Existing) throws -> Outcome {
        let file = try OutputFile(path, existing: existing)
        try file.write(bytes)
        return try file.finish()
    }

    /// Asks the rule before the work is done whose result is to be written: throws what ``init(_:existing:)`` would,
    /// but for a file that is kept if it is the same, and makes nothing.
    ///
    /// - Parameter makesFolder: Whether a folder that is not there will be made before the file is written.
    package static func check(_ path: String, existing: Existing, makesFolder: Bool = false) throws {
        if descriptorNumber(path) != nil { return }
        switch try FileSystem.entry(at: path) {
        case nil:
            if !makesFolder { try checkFolder(of: path) }
        case .pipe, .characterDevice: return
        case .file, .missing:
            try checkLink(path, existing)
            if existing == .refuse { throw OutputError.exists(path) }
        case .blockDevice where existing == .replace: return
        case .blockDevice: throw OutputError.blockDevice(path)
        case .directory: throw OutputError.folder(path)
        case .socket: throw OutputError.socket(path)
        }
    }

    /// Whether a file can be made at the path.
    private static func checkFolder(of path: String) throws(SystemError) {
        let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        do {
            try FileSystem.checkCanWrite(in: slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? ".")
        } catch {
            throw SystemError(call: "open", errno: error.errno, subject: path)
        }
    }

    private static func checkLink(_ path: String, _ existing: Existing) throws(OutputError) {
        if existing != .replace, let end = FileSystem.link(at: path) { throw OutputError.link(path, to: end) }
    }

    /// The number of an open descriptor that the path is a name of: 1 for `/dev/stdout`.
    private static func descriptorNumber(_ path: String) -> Int32? {
        if path == "/dev/stdout" { return 1 }
        if path == "/dev/stderr" { return 2 }
        for folder in ["/dev/fd/", "/proc/self/fd/"] where path.hasPrefix(folder) {
            return Int32(path.dropFirst(folder.count)).flatMap { $0 >= 0 ? $0 : nil }
        }
        return nil
    }

    /// Opens a pipe or device. A pipe waits for its reader, but not for ever.
    private static func openThrough(_ path: String) throws -> FileDescriptor {
        let interval: UInt32 = 20_000
        for _ in 0..<(10_000_000 / interval) {
            let number = Glibc.open(PathText.cString(path), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
            if number >= 0 {
                let descriptor = FileDescriptor(owning: number)
                try descriptor.setBlocking(true)
                return descriptor
            }
            guard errno == ENXIO || errno == EINTR else { throw SystemError(call: "open", subject: path) }
            usleep(interval)
        }
        throw OutputError.noReader(path)
    }
}

/// Why a file is not written.
package enum OutputError: Error, Equatable, CustomStringConvertible {
    case exists(String)
    case link(String, to: String)
    case blockDevice(String)
    case folder(String)
    case socket(String)
    case noReader(String)
    /// A pid file that names a process that runs.
    case running(String, process: Int32)
    /// A pid file's path leads to something that is none.
    case noPIDFile(String)

    /// What is wrong and what to do, for the commands whose consent is `--force`.
    package var description: String {
        switch self {
        case .exists(let path):
            "'\(path)' exists and has other contents, so it stays as it is; choose another name, or replace it with --force"
        case .link(let path, let end):
            "'\(path)' is a link to '\(end)'; name that file itself, or write through the link with --force"
        case .blockDevice(let path):
            "'\(path)' is a disk, whose contents would be lost; --force writes to it all the same"
        case .folder(let path): "'\(path)' is a folder; name a file within it"
        case .socket(let path): "'\(path)' is a socket; name a file or a pipe"
        case .noReader(let path):
            "nobody has opened the pipe '\(path)' to read within 10 seconds; start its reader first"
        case .running(let path, let process):
            "'\(path)' names process \(process), which runs; stop it first, or choose another pid file"
        case .noPIDFile(let path):
            "'\(path)' exists and is no pid file, so it stays as it is; choose another name, or move it away"
        }
    }
}
