// SPDX-License-Identifier: MIT

import Foundation
import SystemCalls
import TestSupport
import Testing

@Suite("MappedFile")
struct MappedFileTests {
    /// Kilobytes of the mapping that begins at an address that are in this process's memory.
    private func resident(_ base: UnsafeRawPointer) throws -> Int {
        // Files of the kernel say that they are empty until they are read.
        let content = try FileHandle(forReadingFrom: URL(fileURLWithPath: "/proc/self/smaps")).readToEnd()
        let lines = try String(decoding: #require(content), as: UTF8.self).split(separator: "\n")
        let start = String(UInt(bitPattern: base), radix: 16) + "-"
        let first = try #require(lines.firstIndex { $0.hasPrefix(start) })
        let line = try #require(lines[first...].first { $0.hasPrefix("Rss:") })
        return try #require(Int(line.split(separator: " ")[1]))
    }

    @Test("pages that are released leave memory, whole ones only, and can still be read")
    func release() throws {
        let folder = try TemporaryFolder()
        let content = (0..<(1 << 20)).map { UInt8(truncatingIfNeeded: $0 / 4096 &+ $0) }
        let mapping = try MappedFile(path: folder.write(content, to: "bytes"))
        let base = try #require(mapping.bytes.baseAddress)
        #expect(mapping.bytes.elementsEqual(content))
        #expect(try resident(base) == 1024)
        // One byte less on both sides: two pages stay.
        mapping.release(UnsafeRawBufferPointer(rebasing: mapping.bytes[1..<((1 << 20) - 1)]))
        #expect(try resident(base) == 8)
        #expect(mapping.bytes.elementsEqual(content))
        // What is no whole page, and what is not the file's.
        for part in [1..<4096, 4095..<8191, 5..<5] {
            mapping.release(UnsafeRawBufferPointer(rebasing: mapping.bytes[part]))
        }
        withUnsafeBytes(of: 7) { mapping.release($0) }
        mapping.release(UnsafeRawBufferPointer(start: base + (1 << 20) - 4096, count: 1 << 20))
        #expect(try resident(base) == 1024)
        #expect(mapping.bytes.elementsEqual(content))
    }
}
