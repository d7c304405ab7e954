// SPDX-License-Identifier: MIT

import Foundation
import SystemCalls
import Testing

@Suite struct OwnedPathTests {
    @Test func removesItsOwnAndLeavesWhatTookItsPlace() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "swiftnet-\(UUID().uuidString)").path
        #expect(OwnedPath(path) == nil)
        defer { _ = try? FileManager.default.removeItem(atPath: path) }
        _ = try FileDescriptor.creating(path)
        let first = try #require(OwnedPath(path))
        try FileManager.default.removeItem(atPath: path)
        _ = try FileDescriptor.creating(path)
        let second = try #require(OwnedPath(path))
        first.remove()
        #expect(FileManager.default.fileExists(atPath: path))
        second.remove()
        #expect(!FileManager.default.fileExists(atPath: path))
    }
}
