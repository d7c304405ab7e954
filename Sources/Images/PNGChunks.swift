// SPDX-License-Identifier: MIT

import Compression

/// The chunks of a PNG file: names and places. Contents and checksums are left to the decoder.
struct PNGChunks {
    /// The eight bytes that every PNG file begins with.
    static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    /// Most chunks of a file; image data come in pieces of some kilobytes or more.
    static let maxChunks = 262_144

    /// One chunk.
    struct Chunk {
        /// Four ASCII letters, such as "IDAT".
        var type: String
        /// Where its data lie in the file.
        var data: Range<Int>

        /// The chunk with its length, name and checksum.
        var whole: Range<Int> { (data.lowerBound - 8)..<(data.upperBound + 4) }
    }

    /// The header chunk's fields.
    struct Header: Equatable {
        var width: Int
        var height: Int
        var bitDepth: Int
        var colorType: Int
        var isInterlaced: Bool
    }

    let header: Header
    private(set) var chunks: [Chunk] = []

    /// Walks the file from its header to its end chunk; bytes after that are ignored.
    ///
    /// - Throws: `ImageError.truncated` where the file ends before its end chunk does, `.corrupt` where it does not
    ///   begin with a header chunk.
    init(_ bytes: UnsafeRawBufferPointer) throws(ImageError) {
        guard let headerBytes = bytes.bigEndian(at: 8, bytes: 4), let width = bytes.bigEndian(at: 16, bytes: 4),
            let height = bytes.bigEndian(at: 20, bytes: 4), let depthAndColor = bytes.bigEndian(at: 24, bytes: 2),
            let interlaceMethod = bytes.bigEndian(at: 28, bytes: 1)
        else { throw .truncated(.png, at: bytes.count, expected: "the header chunk (IHDR)") }
        guard headerBytes == 13, Self.name(in: bytes, at: 12) == "IHDR" else {
            throw .corrupt(.png, reason: "the first chunk is not a header chunk (IHDR) of 13 bytes")
        }
        header = Header(
            width: width, height: height, bitDepth: depthAndColor >> 8, colorType: depthAndColor & 0xFF,
            isInterlaced: interlaceMethod != 0)
        try walk(bytes)
    }

    /// One chunk as a file holds it, with its length and checksum.
    static func encoded(type: String, data: [UInt8]) -> [UInt8] {
        let checked = Array(type.utf8) + data
        let checksum = checked.withUnsafeBytes { CRC32.of($0) }
        return bigEndian(UInt32(data.count)) + checked + bigEndian(checksum)
    }

    private static func bigEndian(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    private mutating func walk(_ bytes: UnsafeRawBufferPointer) throws(ImageError) {
        var offset = Self.signature.count
        while true {
            guard let length = bytes.bigEndian(at: offset, bytes: 4), offset + 8 <= bytes.count else {
                throw .truncated(.png, at: bytes.count, expected: "another chunk")
            }
            let type = Self.name(in: bytes, at: offset + 4)
            let data = (offset + 8)..<(offset + 8 + length)
            guard data.upperBound + 4 <= bytes.count else {
                throw .truncated(.png, at: bytes.count, expected: "the rest of chunk \(type) at byte \(offset)")
            }
            chunks.append(Chunk(type: type, data: data))
            guard chunks.count <= Self.maxChunks else {
                throw .corrupt(.png, reason: "it has more than \(Self.maxChunks) chunks (maxChunks)")
            }
            if type == "IEND" { return }
            offset = data.upperBound + 4
        }
    }

    /// A chunk's name; bytes that are no ASCII letters become "?".
    private static func name(in bytes: UnsafeRawBufferPointer, at offset: Int) -> String {
        let letters = bytes[offset..<(offset + 4)].map { byte in
            (0x41...0x5A).contains(byte & 0xDF) ? byte : 0x3F
        }
        return String(decoding: letters, as: UTF8.self)
    }
}
