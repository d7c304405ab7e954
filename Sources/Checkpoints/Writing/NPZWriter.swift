// SPDX-License-Identifier: MIT

import Compression
import SystemCalls
import Tensors

/// Writes tensors as `numpy.savez` does: a zip archive of `.npy` entries, stored. `numpy.load` reads it.
///
/// - Source: numpy.org/doc/stable/reference/generated/numpy.lib.format.html; PKWARE's APPNOTE.TXT.
package struct NPZWriter {
    /// More than a zip archive without extensions holds.
    package struct TooLarge: Error, CustomStringConvertible {
        package let description =
            "the arrays take more than the 4 GiB or 65,535 entries that the file can hold: write fewer images at a time"
    }

    private struct Entry {
        let name: [UInt8]
        let offset: Int
        let byteCount: Int
        let checksum: UInt32
    }

    private let output: OutputFile
    private var entries: [Entry] = []
    private var names: Set<String> = []
    private static let largest = Int(UInt32.max) - 1

    /// Begins an archive.
    package init(_ output: OutputFile) {
        self.output = output
    }

    /// Adds an array; a name that is taken gets a number behind it.
    ///
    /// - Throws: `TooLarge`, `SystemError` or `OutputError`.
    package mutating func add(_ name: String, _ tensor: Tensor) throws {
        // numpy has no bfloat16.
        let tensor = tensor.elementType == .bfloat16 ? Tensor(tensor.floats(), shape: tensor.shape) : tensor
        var unique = name
        var number = 2
        while !names.insert(unique).inserted {
            unique = "\(name)#\(number)"
            number += 1
        }
        let header = Self.header(of: tensor)
        try tensor.withUnsafeBytes { bytes in
            var checksum = CRC32()
            header.withUnsafeBytes { checksum.update($0) }
            checksum.update(bytes)
            let entry = Entry(
                name: Array("\(unique).npy".utf8), offset: output.offset, byteCount: header.count + bytes.count,
                checksum: checksum.value)
            guard entry.byteCount <= Self.largest - entry.offset, entries.count < 65_535, entry.name.count < 65_536
            else { throw TooLarge() }
            try output.write(UInt32(0x0403_4B50).littleEndianBytes + Self.fields(of: entry) + entry.name)
            try output.write(header)
            try output.write(bytes)
            entries.append(entry)
        }
    }

    /// Writes the directory and gives the file its name.
    ///
    /// - Throws: `TooLarge`, `SystemError` or `OutputError`.
    package mutating func finish() throws {
        let start = output.offset
        guard start <= Self.largest else { throw TooLarge() }
        for entry in entries {
            // Comment, disk and attributes are empty.
            try output.write(
                UInt32(0x0201_4B50).littleEndianBytes + UInt16(20).littleEndianBytes + Self.fields(of: entry)
                    + [UInt8](repeating: 0, count: 10) + UInt32(entry.offset).littleEndianBytes + entry.name)
        }
        guard output.offset <= Self.largest else { throw TooLarge() }
        let count = UInt16(entries.count).littleEndianBytes
        try output.write(
            UInt32(0x0605_4B50).littleEndianBytes + [0, 0, 0, 0] + count + count
                + UInt32(output.offset - start).littleEndianBytes + UInt32(start).littleEndianBytes + [0, 0])
        _ = try output.finish()
    }

    /// What the entry's own header and the directory say alike: version 2.0, UTF-8, stored, the first of January 1980.
    private static func fields(of entry: Entry) -> [UInt8] {
        let size = UInt32(entry.byteCount).littleEndianBytes
        var fields = UInt16(20).littleEndianBytes + UInt16(0x0800).littleEndianBytes + UInt16(0).littleEndianBytes
        fields += UInt16(0).littleEndianBytes + UInt16(0x0021).littleEndianBytes
        return fields + entry.checksum.littleEndianBytes + size + size + UInt16(entry.name.count).littleEndianBytes
            + UInt16(0).littleEndianBytes
    }

    /// What stands before an array's bytes: its type and shape, filled up to a multiple of 64.
    private static func header(of tensor: Tensor) -> [UInt8] {
        let type =
            switch tensor.elementType {
            case .float64: "<f8"
            case .float32, .bfloat16: "<f4"
            case .float16: "<f2"
            case .int64: "<i8"
            case .int32: "<i4"
            case .int16: "<i2"
            case .int8: "|i1"
            case .uint8: "|u1"
            case .bool: "|b1"
            }
        let sizes = tensor.shape.dimensions.map { "\($0)," }.joined(separator: " ")
        var text = Array("{'descr': '\(type)', 'fortran_order': False, 'shape': (\(sizes)), }".utf8)
        text += [UInt8](repeating: UInt8(ascii: " "), count: (64 - (text.count + 11) % 64) % 64)
        text.append(UInt8(ascii: "\n"))
        return [0x93] + Array("NUMPY".utf8) + [1, 0] + UInt16(text.count).littleEndianBytes + text
    }
}
