// SPDX-License-Identifier: MIT

import Glibc
import SystemCalls
import Testing

@Suite struct SystemErrorTests {
    @Test func namesTheCallTheSubjectAndTheReason() {
        let error = SystemError(call: "open", errno: ENOENT, subject: "/nowhere")
        #expect(error.description == "open /nowhere: No such file or directory")
        #expect(SystemError(call: "accept", errno: EMFILE).description == "accept: Too many open files")
    }

    @Test func openingAMissingFileThrowsItsPath() {
        #expect(throws: SystemError(call: "open", errno: ENOENT, subject: "/nowhere/at/all")) {
            try FileDescriptor.open("/nowhere/at/all", O_RDONLY)
        }
    }

    @Test func whatAPersonMayDoIsSaid() throws {
        #expect(SystemError(call: "open", errno: ENOENT).advice == "is the path right?")
        #expect(SystemError(call: "write", errno: ENOSPC).advice?.contains("room") == true)
        #expect(SystemError(call: "bind", errno: EADDRINUSE).advice?.contains("--bind") == true)
        #expect(SystemError(call: "recv", errno: ERANGE).advice == nil)
    }

    @Test func interruptedCallsRunAgainAndOtherErrorsEnd() throws {
        var tries = 0
        let result = try retryingInterrupts("wait") {
            tries += 1
            if tries < 3 { errno = EINTR }
            return tries < 3 ? -1 : 7
        }
        #expect(result == 7)
        #expect(tries == 3)
        #expect(throws: SystemError(call: "wait", errno: EBADF, subject: "x")) {
            try retryingInterrupts("wait", subject: "x") {
                errno = EBADF
                return -1
            }
        }
    }

    @Test func aDescriptorClosesWithItsLastReference() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let reader = FileDescriptor(owning: ends[0])
        var writer: FileDescriptor? = FileDescriptor(owning: ends[1])
        try reader.setBlocking(false)
        var byte: UInt8 = 1
        try withUnsafeMutableBytes(of: &byte) { buffer in
            #expect(try reader.read(into: buffer) == nil)
            try writer?.writeAll(UnsafeRawBufferPointer(buffer))
            #expect(try reader.read(into: buffer) == 1)
            writer = nil
            #expect(try reader.read(into: buffer) == 0)
        }
    }
}
