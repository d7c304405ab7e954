// SPDX-License-Identifier: MIT

import Foundation
import SystemCalls
import TestSupport
import Testing

/// The rule that output never destroys.
@Suite("OutputFile")
struct OutputFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test("a file that exists is kept, unless its bytes are the same or there is consent")
    func existing() throws {
        let path = try folder.write([1, 2, 3], to: "f")
        for other: [UInt8] in [[], [1, 2], [1, 2, 4], [1, 2, 3, 4]] {
            #expect(throws: OutputError.exists(path)) { try OutputFile.write(other, to: path, existing: .keepIfSame) }
            #expect(folder.bytes("f") == [1, 2, 3])
        }
        #expect(try OutputFile.write([1, 2, 3], to: path, existing: .keepIfSame) == .unchanged)
        #expect(throws: OutputError.exists(path)) { try OutputFile.write([1, 2, 3], to: path, existing: .refuse) }
        #expect(throws: OutputError.exists(path)) { try OutputFile.check(path, existing: .refuse) }
        #expect(try OutputFile.write([4], to: path, existing: .replace) == .written)
        #expect(folder.bytes("f") == [4])
        #expect(try folder.names() == ["f"])
    }

    @Test("a file that comes to the path while the output is made is kept")
    func comesMeanwhile() throws {
        let path = folder.path("f")
        let output = try OutputFile(path, existing: .keepIfSame)
        try output.write([1])
        try folder.write([2], to: "f")
        #expect(throws: OutputError.exists(path)) { _ = try output.finish() }
        #expect(folder.bytes("f") == [2])
        #expect(try folder.names() == ["f"])
    }

    @Test("a link stays a link: without consent nothing is written, with consent what it leads to is")
    func links() throws {
        for (name, target) in [("link", "real"), ("dangling", "nothing")] {
            if name == "link" { try folder.write([1], to: target) }
            try link(name, to: target)
            for existing in [OutputFile.Existing.refuse, .keepIfSame] {
                #expect(throws: OutputError.link(folder.path(name), to: target)) {
                    try OutputFile.write([2], to: folder.path(name), existing: existing)
                }
            }
            #expect(folder.bytes(target) == (name == "link" ? [1] : nil))
            try OutputFile.write([3], to: folder.path(name), existing: .replace)
            #expect(folder.bytes(target) == [3])
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder.path(name)) == target)
        }
    }

    @Test("a circle of links is refused", .timeLimit(.minutes(1)))
    func circle() throws {
        try link("a", to: "b")
        try link("b", to: "a")
        #expect(throws: SystemError.self) { try OutputFile.write([1], to: folder.path("a"), existing: .replace) }
    }

    @Test("a pipe is written through and stays a pipe", arguments: [OutputFile.Existing.refuse, .keepIfSame, .replace])
    func pipe(existing: OutputFile.Existing) throws {
        let path = folder.path("pipe")
        try #require(mkfifo(path, 0o600) == 0)
        let reader = open(path, O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        // As many as a pipe holds without being read.
        let bytes = (0..<50_000).map { UInt8(truncatingIfNeeded: $0) }
        #expect(try OutputFile.write(bytes, to: path, existing: existing) == .written)
        var received = [UInt8](repeating: 0, count: 60_000)
        #expect(read(reader, &received, received.count) == bytes.count)
        #expect(Array(received.prefix(bytes.count)) == bytes)
        #expect(try FileSystem.entry(at: path) == .pipe)
        #expect(throws: SystemError.self) { try FileWriter(path, existing: .replace) }
    }

    @Test("a character device is written through and stays one")
    func device() throws {
        let path = folder.path("null")
        // A null device of our own: making one takes root.
        guard mknod(path, S_IFCHR | 0o600, 0x103) == 0, access(path, W_OK) == 0 else { return }
        for existing in [OutputFile.Existing.refuse, .keepIfSame, .replace] {
            #expect(try OutputFile.write([1, 2], to: path, existing: existing) == .written)
            #expect(try FileSystem.entry(at: path) == .characterDevice)
        }
        #expect(throws: SystemError.self) { try FileWriter(path, existing: .replace) }
        #expect(try FileSystem.entry(at: path) == .characterDevice)
    }

    @Test("a block device needs consent")
    func blockDevice() throws {
        let path = folder.path("disk")
        // A number that no driver has: even if it were opened, there is no disk behind it.
        guard mknod(path, S_IFBLK | 0o600, 0xF0FA) == 0 else { return }
        for existing in [OutputFile.Existing.refuse, .keepIfSame] {
            #expect(throws: OutputError.blockDevice(path)) { try OutputFile(path, existing: existing) }
        }
        #expect(throws: SystemError.self) { try OutputFile(path, existing: .replace) }
        #expect(try FileSystem.entry(at: path) == .blockDevice)
    }

    @Test("a folder, and a file in a folder that is missing, are refused")
    func others() throws {
        #expect(throws: OutputError.folder(folder.path("."))) { try OutputFile(folder.path("."), existing: .replace) }
        let missing = folder.path("no/such/file")
        #expect(throws: SystemError.self) { try OutputFile(missing, existing: .replace) }
    }

    @Test("the file that replaces another has its permissions")
    func permissions() throws {
        let path = try folder.write([1], to: "f")
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
        try OutputFile.write([2], to: path, existing: .replace)
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o640)
    }

    @Test("a pid file replaces that of a dead process and nothing else")
    func pidFile() throws {
        let path = folder.path("pid")
        let own = Array("\(getpid())\n".utf8)
        #expect(try PIDFile.write(to: path) != nil)
        #expect(folder.bytes("pid") == own)
        // Our own number, a number that nobody has, and no number at all.
        for stale in ["\(getpid())\n", "4194304\n", ""] {
            try folder.write(Array(stale.utf8), to: "pid")
            try PIDFile.write(to: path)?.remove()
            #expect(folder.bytes("pid") == nil)
        }
        // The parent runs, and did before the file was written.
        try folder.write(Array("\(getppid())".utf8), to: "pid")
        #expect(throws: OutputError.running(path, process: getppid())) { try PIDFile.write(to: path) }
        #expect(folder.bytes("pid") == Array("\(getppid())".utf8))
        // A file from before the process that has the number now started.
        try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSince1970: 1e9)], ofItemAtPath: path)
        #expect(try PIDFile.write(to: path) != nil)
        for other in ["months of work", "12 13", "-4", String(repeating: "7", count: 100)] {
            try folder.write(Array(other.utf8), to: "pid")
            #expect(throws: OutputError.noPIDFile(path)) { try PIDFile.write(to: path) }
            #expect(folder.bytes("pid") == Array(other.utf8))
        }
        try link("pidlink", to: "pid")
        #expect(throws: OutputError.noPIDFile(folder.path("pidlink"))) { try PIDFile.write(to: folder.path("pidlink")) }
    }

    private func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: folder.path(name), withDestinationPath: target)
    }

    @Test("a folder that is not there, or may not be written into, is found before the work")
    func checksTheFolder() throws {
        let folder = try TemporaryFolder()
        #expect(throws: SystemError.self) { try OutputFile.check(folder.path("none/x"), existing: .refuse) }
        try folder.write([], to: "file")
        #expect(throws: SystemError.self) { try OutputFile.check(folder.path("file/x"), existing: .refuse) }
        try OutputFile.check(folder.path("x"), existing: .refuse)
        try OutputFile.check("/x", existing: .refuse)
    }
}
