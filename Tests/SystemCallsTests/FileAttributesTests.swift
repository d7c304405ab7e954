// SPDX-License-Identifier: MIT

import CLinux
import Foundation
import SystemCalls
import TestSupport
import Testing

@Suite("FileAttributes")
struct FileAttributesTests {
    @Test("a file takes another's owner, permissions, times and extended attributes")
    func keeps() throws {
        let folder = try TemporaryFolder()
        let source = try folder.write([1], to: "source")
        let value: [UInt8] = [5, 0, 7]
        let hasAttributes = setxattr(source, "user.rating", value, value.count, 0) == 0
        let isRoot = geteuid() == 0
        if isRoot { #expect(chown(source, 1000, 1001) == 0) }
        #expect(chmod(source, 0o640) == 0)
        let times = [timespec(tv_sec: 1_000_000_000, tv_nsec: 5), timespec(tv_sec: 1_000_000_001, tv_nsec: 6)]
        #expect(utimensat(AT_FDCWD, source, times, 0) == 0)

        let attributes = try FileAttributes(of: FileDescriptor.openRegular(source))
        let writer = try FileWriter(folder.path("target"), existing: .refuse)
        try writer.write([2, 3])
        writer.keep(attributes)
        try writer.finish()

        var status = stat()
        #expect(stat(folder.path("target"), &status) == 0)
        #expect(status.st_mode & 0o7777 == 0o640)
        #expect(status.st_mtim.tv_sec == 1_000_000_001 && status.st_mtim.tv_nsec == 6)
        #expect(status.st_size == 2)
        if isRoot { #expect(status.st_uid == 1000 && status.st_gid == 1001) }
        if hasAttributes {
            var read = [UInt8](repeating: 0, count: 8)
            #expect(getxattr(folder.path("target"), "user.rating", &read, read.count) == 3)
            #expect(Array(read.prefix(3)) == value)
        }
    }

    @Test("a pipe is refused where a regular file is expected, without waiting for its writer")
    func refusesPipe() throws {
        let folder = try TemporaryFolder()
        #expect(mkfifo(folder.path("pipe"), 0o600) == 0)
        #expect(throws: SystemError.self) { try FileDescriptor.openRegular(folder.path("pipe")) }
    }

    @Test("folders are made with those above them")
    func makesFolders() throws {
        let folder = try TemporaryFolder()
        #expect(try FileSystem.makeFolders(folder.path("") + "/a/b//c/"))
        #expect(try FileSystem.kind(of: folder.path("a/b/c")) == .directory)
        #expect(try !FileSystem.makeFolders(folder.path("a/b")))
        try folder.write([1], to: "file")
        #expect(throws: SystemError.self) { try FileSystem.makeFolders(folder.path("file/x")) }
    }
}
