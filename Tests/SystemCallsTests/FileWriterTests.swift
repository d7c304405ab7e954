// SPDX-License-Identifier: MIT

import Foundation
import SystemCalls
import TestSupport
import Testing

@Suite("FileWriter")
struct FileWriterTests {
    @Test("a file appears whole, in place of the old one and with its permissions")
    func replaces() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write([1], to: "f")
        try setPermissions(path, 0o600)
        let writer = try FileWriter(replacing: path)
        try writer.write([2, 3])
        #expect(folder.bytes("f") == [1])
        try writer.finish()
        #expect(folder.bytes("f") == [2, 3])
        #expect(try permissions(path) == 0o600)
        #expect(try folder.names() == ["f"])
    }

    @Test("a file that is there stays where it is not to be replaced")
    func refuses() throws {
        let folder = try TemporaryFolder()
        try folder.write([1], to: "f")
        do {
            let writer = try FileWriter(folder.path("f"), existing: .refuse)
            try writer.write([2])
            #expect(throws: SystemError.self) { try writer.finish() }
        }
        #expect(folder.bytes("f") == [1])
        #expect(try folder.names() == ["f"])
        do {
            let writer = try FileWriter(folder.path("g"), existing: .refuse)
            try writer.write([2])
            try writer.finish()
        }
        #expect(folder.bytes("g") == [2])
        #expect(try folder.names() == ["f", "g"])
    }

    @Test("a writer that is given up leaves nothing")
    func givenUp() throws {
        let folder = try TemporaryFolder()
        do {
            let writer = try FileWriter(replacing: folder.path("f"))
            try writer.write([UInt8](repeating: 7, count: 1 << 20))
        }
        #expect(try folder.names().isEmpty)
    }

    @Test("a folder that is not there is told by the name that was given")
    func missingFolder() throws {
        let path = try TemporaryFolder().path("none/f")
        do {
            _ = try FileWriter(replacing: path)
            Issue.record("there is no folder")
        } catch {
            #expect(error.subject == path && error.isAboutMissingFile)
        }
    }

    private func setPermissions(_ path: String, _ mode: Int) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    private func permissions(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }
}
