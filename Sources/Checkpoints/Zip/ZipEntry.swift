// SPDX-License-Identifier: MIT

/// One entry of a zip archive, its two headers found to agree.
package struct ZipEntry: Sendable {
    /// How the bytes are stored.
    package enum Method: UInt16, Sendable {
        case stored = 0
        case deflated = 8
    }

    package let name: String
    package let method: Method
    /// CRC-32 of the unpacked bytes, as both headers or the descriptor state it.
    package let checksum: UInt32
    /// Bytes once unpacked.
    package let byteCount: Int
    /// The bytes as they stand in the file.
    package let data: ByteRegion
    /// Where the data begins in the file.
    package let dataOffset: Int
    /// All that belongs to the entry in the file: header, data, descriptor.
    let extent: Range<Int>
    /// Shared by all entries of the archive.
    let unpacking: UnpackingBudget
}

/// What a zip directory says of an entry, with 64-bit sizes already resolved.
struct ZipRecord {
    var flags: UInt16
    var method: UInt16
    var checksum: UInt32
    var compressedSize: UInt64
    var size: UInt64
    var headerOffset: UInt64
    var nameBytes: ByteRegion
    var isLink = false

    /// Bit 3: checksum and sizes follow the data.
    var hasDescriptor: Bool { flags & 0x0008 != 0 }
    /// Bits 0, 6 and 13: encryption, strong encryption, an encrypted directory.
    var isEncrypted: Bool { flags & 0x2041 != 0 }
}

extension ZipRecord {
    /// Takes the sizes that were too large for 32 bits from the zip64 extra field.
    ///
    /// - Parameter needsOffset: The record is one of the directory, where the header's offset may be among them.
    mutating func resolveZip64(extra: ByteRegion, needsOffset: Bool, part: String) throws {
        let marker = UInt64(UInt32.max)
        guard size == marker || compressedSize == marker || (needsOffset && headerOffset == marker) else { return }
        var fields = ByteReader(extra, part: part)
        while fields.remaining >= 4 {
            let tag = try fields.integer(UInt16.self)
            let body = try fields.take(fields.length(UInt16.self))
            guard tag == 0x0001 else { continue }
            var values = ByteReader(body, part: part)
            if size == marker { size = try values.integer(UInt64.self) }
            if compressedSize == marker { compressedSize = try values.integer(UInt64.self) }
            if needsOffset, headerOffset == marker { headerOffset = try values.integer(UInt64.self) }
            return
        }
        throw CheckpointError.malformed(part: part, offset: 0, reason: "a 64-bit size is announced and missing")
    }
}
