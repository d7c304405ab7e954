// SPDX-License-Identifier: MIT

import Compression
import SystemCalls

/// Writes a zip archive as `torch.save` of PyTorch 2.15 lays it out: every entry stored, its data at a multiple of 64
/// bytes, sizes and checksums behind the data and in the directory, 64-bit end records always.
///
/// - Source: `caffe2/serialize/inline_container.cc`; `third_party/miniz`.
struct TorchArchiveWriter {
    private let output: OutputFile
    private let folder: String
    private var entries: [Entry] = []
    private static let alignment = 64

    private struct Entry {
        let name: String
        let headerOffset: Int
        let byteCount: Int
        var checksum: UInt32 = 0

        var hasLongSize: Bool { byteCount >= Int(UInt32.max) }
        var hasLongOffset: Bool { headerOffset >= Int(UInt32.max) }
        var isLong: Bool { hasLongSize || hasLongOffset }
        /// Empty entries have no descriptor. Bit 3: a descriptor follows; bit 11: the name is UTF-8.
        var flags: UInt16 { byteCount == 0 ? 0x0800 : 0x0808 }

        /// The extra field with those of the sizes and the offset that do not fit 32 bits.
        var longFields: [UInt8] {
            guard isLong else { return [] }
            var values: [UInt8] = []
            if hasLongSize { values += UInt64(byteCount).littleEndianBytes + UInt64(byteCount).littleEndianBytes }
            if hasLongOffset { values += UInt64(headerOffset).littleEndianBytes }
            return UInt16(1).littleEndianBytes + UInt16(values.count).littleEndianBytes + values
        }
    }

    /// - Parameter folder: The archive's name: all entries stand in it.
    init(output: OutputFile, folder: String) {
        self.output = output
        self.folder = folder
    }

    /// Adds an entry whose bytes are at hand.
    mutating func add(_ name: String, _ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { bytes in
            try add(name, byteCount: bytes.count) { write in
                try write(bytes)
                return CRC32.of(bytes)
            }
        }
    }

    /// Adds an entry whose bytes come in pieces.
    ///
    /// - Parameters:
    ///   - byteCount: All of them together.
    ///   - body: Gives each piece to the function that it is called with, and returns the checksum of all of them.
    mutating func add(
        _ name: String, byteCount: Int, _ body: ((UnsafeRawBufferPointer) throws -> Void) throws -> UInt32
    ) throws {
        var entry = Entry(name: folder + "/" + name, headerOffset: output.offset, byteCount: byteCount)
        try writeLocalHeader(of: entry)
        let start = output.offset
        entry.checksum = try body { try output.write($0) }
        precondition(output.offset - start == byteCount, "an entry has as many bytes as its header says")
        if byteCount > 0 { try writeDescriptor(of: entry) }
        entries.append(entry)
    }

    private func writeLocalHeader(of entry: Entry) throws {
        let long = entry.longFields
        let name = Array(entry.name.utf8)
        let unpadded = entry.headerOffset + 30 + name.count + long.count + 4
        let padding = (Self.alignment - unpadded % Self.alignment) % Self.alignment
        var header = UInt32(0x0403_4B50).littleEndianBytes + UInt16(0).littleEndianBytes + entry.flags.littleEndianBytes
        // Method, time, date, checksum and both sizes are zero.
        header += [UInt8](repeating: 0, count: 18)
        header += UInt16(name.count).littleEndianBytes + UInt16(long.count + 4 + padding).littleEndianBytes
        header += name + long
        header +=
            Array("FB".utf8) + UInt16(padding).littleEndianBytes + [UInt8](repeating: UInt8(ascii: "Z"), count: padding)
        try output.write(header)
    }

    private func writeDescriptor(of entry: Entry) throws {
        let size = entry.isLong ? UInt64(entry.byteCount).littleEndianBytes : UInt32(entry.byteCount).littleEndianBytes
        try output.write(UInt32(0x0807_4B50).littleEndianBytes + entry.checksum.littleEndianBytes + size + size)
    }

    /// Writes the directory. The archive is complete.
    mutating func finish() throws {
        let start = output.offset
        for entry in entries { try output.write(directoryRecord(of: entry)) }
        let end = output.offset
        let count = UInt64(entries.count).littleEndianBytes
        let size = UInt64(end - start)
        var tail = UInt32(0x0606_4B50).littleEndianBytes + UInt64(44).littleEndianBytes
        // Made by version 3.0 on Unix; version 4.5 is needed to read it.
        tail += [0x1E, 0x03, 0x2D, 0x00] + [UInt8](repeating: 0, count: 8)
        tail += count + count + size.littleEndianBytes + UInt64(start).littleEndianBytes
        tail += UInt32(0x0706_4B50).littleEndianBytes + UInt32(0).littleEndianBytes
        tail += UInt64(end).littleEndianBytes + UInt32(1).littleEndianBytes
        let shortCount = UInt16(clamping: entries.count).littleEndianBytes
        tail += UInt32(0x0605_4B50).littleEndianBytes + UInt32(0).littleEndianBytes + shortCount + shortCount
        tail += UInt32(clamping: size).littleEndianBytes + UInt32(clamping: start).littleEndianBytes
        tail += UInt16(0).littleEndianBytes
        try output.write(tail)
    }

    private func directoryRecord(of entry: Entry) -> [UInt8] {
        let size = entry.hasLongSize ? UInt32.max : UInt32(entry.byteCount)
        let name = Array(entry.name.utf8)
        let long = entry.longFields
        var record = UInt32(0x0201_4B50).littleEndianBytes + UInt32(0).littleEndianBytes + entry.flags.littleEndianBytes
        record += [UInt8](repeating: 0, count: 6)
        record += entry.checksum.littleEndianBytes + size.littleEndianBytes + size.littleEndianBytes
        record += UInt16(name.count).littleEndianBytes + UInt16(long.count).littleEndianBytes
        record += [UInt8](repeating: 0, count: 10)
        record += UInt32(clamping: entry.headerOffset).littleEndianBytes
        return record + name + long
    }

    /// The 40 digits by which PyTorch tells archives apart: 20 of the names, 20 of the checksums so far, in order.
    ///
    /// PyTorch's own first half depends on the order of a hash table; this one is the same on every run.
    var serializationID: String {
        let names = entries.reduce(UInt64(0)) { Self.combine($0, UInt64(CRC32.of($1.name))) }
        let contents = entries.filter { $0.byteCount > 0 }.reduce(UInt64(0)) { Self.combine($0, UInt64($1.checksum)) }
        return Self.digits(names) + Self.digits(contents)
    }

    private static func combine(_ seed: UInt64, _ value: UInt64) -> UInt64 {
        seed ^ (value &+ 0x9E37_79B9 &+ (seed << 6) &+ (seed >> 2))
    }

    private static func digits(_ value: UInt64) -> String {
        let digits = String(value)
        return String(repeating: "0", count: 20 - digits.count) + digits
    }
}

extension CRC32 {
    fileprivate static func of(_ text: String) -> UInt32 { Array(text.utf8).withUnsafeBytes { of($0) } }
}
