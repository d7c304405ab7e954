// SPDX-License-Identifier: MIT

import Protobuf
import TestSupport
import Testing

@Suite struct ProtobufTests {
    private func read<Result>(_ bytes: [UInt8], _ body: (inout ProtobufReader) throws -> Result) rethrows -> Result {
        try bytes.withUnsafeBytes { buffer in
            var reader = ProtobufReader(buffer)
            return try body(&reader)
        }
    }

    private func first<Result>(_ bytes: [UInt8], _ body: (ProtobufField) throws -> Result) throws -> Result {
        try read(bytes) { reader in try body(#require(try reader.next())) }
    }

    private func fault(_ bytes: [UInt8], _ body: (ProtobufField) throws -> Void = { _ in }) -> ProtobufError? {
        do {
            try read(bytes) { reader in while let field = try reader.next() { try body(field) } }
            return nil
        } catch {
            return error as? ProtobufError
        }
    }

    /// The examples of protobuf's own description of its encoding.
    @Test func documentedBytesAreReadAndWritten() throws {
        var writer = ProtobufWriter()
        writer.write(1, uint64: 150)
        #expect(writer.bytes == [0x08, 0x96, 0x01])
        #expect(try first(writer.bytes) { try $0.int64() } == 150)
        writer = ProtobufWriter()
        writer.write(2, string: "testing")
        #expect(writer.bytes == [0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6E, 0x67])
        #expect(try first(writer.bytes) { try $0.string(limit: 7) } == "testing")
        writer = ProtobufWriter()
        writer.write(3) { $0.write(1, int64: 150) }
        #expect(writer.bytes == [0x1A, 0x03, 0x08, 0x96, 0x01])
        writer = ProtobufWriter()
        writer.write(6, packed: [3, 270, 86942])
        #expect(writer.bytes == [0x32, 0x06, 0x03, 0x8E, 0x02, 0x9E, 0xA7, 0x05])
    }

    @Test func whatIsWrittenIsRead() throws {
        var writer = ProtobufWriter()
        writer.write(1, int64: -2)
        writer.write(2, bool: true)
        writer.write(3, float: -1.5)
        writer.write(4, double: .pi)
        writer.write(5, bytes: [0, 255])
        writer.write(6, packed: [Float(1), 2])
        writer.write(7, uint64: .max)
        writer.write(8) { $0.write(1) { $0.write(2, string: "é") } }
        writer.write((1 << 29) - 1, packed: [-1, 5])
        try read(writer.bytes) { reader in
            #expect(try reader.next()?.int64() == -2)
            #expect(try reader.next()?.bool() == true)
            #expect(try reader.next()?.float() == -1.5)
            #expect(try reader.next()?.double() == .pi)
            #expect(try reader.next().map { try Array($0.bytes()) } == [0, 255])
            var bytes: [UInt8] = []
            try reader.next()?.appendFixed(to: &bytes, size: 4, limit: 8)
            #expect(bytes == [0, 0, 0x80, 0x3F, 0, 0, 0, 0x40])
            #expect(try reader.next()?.uint64() == .max)
            var inner = try #require(try reader.next()).message()
            var innermost = try #require(try inner.next()).message()
            #expect(try innermost.next()?.string(limit: 10) == "é")
            var numbers = [7]
            try reader.next()?.append(to: &numbers, limit: 3)
            #expect(numbers == [7, -1, 5])
            #expect(try reader.next() == nil)
        }
    }

    @Test func numbersOneByOneAreReadLikePackedOnes() throws {
        var writer = ProtobufWriter()
        writer.write(1, int64: 300)
        writer.write(1, float: 2)
        try read(writer.bytes) { reader in
            var numbers: [Int] = []
            try reader.next()?.append(to: &numbers, limit: 1)
            #expect(numbers == [300])
            var bytes: [UInt8] = []
            try reader.next()?.appendFixed(to: &bytes, size: 4, limit: 4)
            #expect(bytes == [0, 0, 0, 0x40])
        }
    }

    @Test func groupsAreSkipped() throws {
        // Group 1 with a field 2 inside and a group 3, then field 4.
        let bytes: [UInt8] = [0x0B, 0x10, 0x05, 0x1B, 0x1C, 0x0C, 0x20, 0x07]
        #expect(try first(bytes) { ($0.number, try $0.int64()) } == (4, 7))
        #expect(fault([0x0B, 0x10, 0x05]) == .truncated(offset: 3))
        #expect(fault([0x0B, 0x14]) == .invalidTag(offset: 1))
        #expect(fault([UInt8](repeating: 0x0B, count: 100)) == .tooDeep(limit: 64, offset: 64))
    }

    @Test func truncatedMessagesAreRefused() {
        var writer = ProtobufWriter()
        writer.write(1, uint64: 1 << 40)
        writer.write(2, double: 1)
        writer.write(3, float: 1)
        writer.write(4, string: "abc")
        // Wherever the bytes are cut, but between fields.
        let ends = [0, 7, 16, 21, 26]
        for count in 0...writer.bytes.count {
            #expect((fault(Array(writer.bytes[..<count])) == nil) == ends.contains(count))
        }
    }

    @Test func nonsenseIsRefused() {
        #expect(fault([0x00, 0x01]) == .invalidTag(offset: 0))
        #expect(fault([0x0E]) == .invalidTag(offset: 0))
        #expect(fault([0x08] + [UInt8](repeating: 0xFF, count: 10)) == .invalidVarint(offset: 1))
        #expect(fault([0x08] + [UInt8](repeating: 0xFF, count: 9) + [0x01]) == nil)
        #expect(fault([0x08] + [UInt8](repeating: 0xFF, count: 9) + [0x02]) == .invalidVarint(offset: 1))
        #expect(fault([0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]) == .truncated(offset: 1))
        #expect(fault([0x08, 0x01]) { _ = try $0.float() } == .wrongType(field: 1, expected: "a float", offset: 0))
        #expect(fault([0x0A, 0x01, 0xFF]) { _ = try $0.string(limit: 9) } == .invalidText(field: 1, offset: 0))
        #expect(fault([0x0A, 0x01, 0x41]) { _ = try $0.string(limit: 0) } == .tooMany(field: 1, limit: 0, offset: 0))
    }

    @Test func messagesWithinMessagesAreCounted() throws {
        var bytes: [UInt8] = []
        for _ in 0..<63 {
            var writer = ProtobufWriter()
            writer.write(1, bytes: bytes)
            bytes = writer.bytes
        }
        func descend(_ field: ProtobufField) throws {
            var inner = try field.message()
            while let field = try inner.next() { try descend(field) }
        }
        #expect(fault(bytes, descend) == nil)
        var writer = ProtobufWriter()
        writer.write(1, bytes: bytes)
        guard case .tooDeep(limit: 64, _) = fault(writer.bytes, descend) else {
            Issue.record("64 messages within each other are accepted")
            return
        }
    }

    @Test func repeatedNumbersStopAtTheLimit() {
        let packed: [UInt8] = [0x0A, 0x03, 1, 2, 3]
        var numbers: [Int] = []
        #expect(fault(packed) { try $0.append(to: &numbers, limit: 2) } == .tooMany(field: 1, limit: 2, offset: 0))
        var bytes: [UInt8] = []
        #expect(
            fault(packed) { try $0.appendFixed(to: &bytes, size: 2, limit: 8) }
                == .wrongType(field: 1, expected: "numbers of 2 bytes", offset: 0))
    }

    @Test func randomBytesEndInAFieldOrAnError() {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            _ = fault(bytes) { field in
                if case .bytes = field.value { _ = try field.message() }
                var numbers: [Int] = []
                try? field.append(to: &numbers, limit: 100)
            }
        }
    }
}
