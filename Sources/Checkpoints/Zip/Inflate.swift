// SPDX-License-Identifier: MIT

import CZlib
import Tensors

/// Unpacking of deflated archive entries whose size is known.
enum Inflate {
    /// Unpacks a raw deflate stream that must give exactly `count` bytes and end with its input.
    ///
    /// - Throws: `CheckpointError.malformed`.
    static func unpack(_ data: ByteRegion, to count: Int, part: String) throws -> ByteRegion {
        // Deflate packs at most 1032 to one: a size beyond that is a lie, found before memory is taken.
        guard count / 1032 <= data.count, data.count <= UInt32.max, count <= UInt32.max else {
            throw CheckpointError.malformed(
                part: part, offset: 0, reason: "\(data.count) packed bytes cannot give \(count)")
        }
        let storage = try TensorStorage(byteCount: count) { output in
            var stream = z_stream()
            guard inflateInit2_(&stream, -MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
                throw CheckpointError.malformed(part: part, offset: 0, reason: "zlib does not start")
            }
            defer { inflateEnd(&stream) }
            stream.next_in = data.bytes.baseAddress.map {
                UnsafeMutablePointer(mutating: $0.assumingMemoryBound(to: UInt8.self))
            }
            stream.avail_in = UInt32(data.count)
            stream.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
            stream.avail_out = UInt32(count)
            guard inflate(&stream, Z_FINISH) == Z_STREAM_END, stream.avail_in == 0, stream.avail_out == 0 else {
                throw CheckpointError.malformed(
                    part: part, offset: Int(stream.total_in), reason: "a damaged deflate stream, or one of another size"
                )
            }
        }
        return ByteRegion(storage)
    }
}

extension ZipEntry {
    /// The unpacked bytes, their checksum verified.
    ///
    /// - Throws: `CheckpointError.checksumMismatch` or `.limitExceeded`.
    package func verifiedContents(maxBytes: Int, limit: String) throws -> ByteRegion {
        guard byteCount <= maxBytes else { throw CheckpointError.limitExceeded(limit: limit, maximum: maxBytes) }
        let contents = method == .stored ? data : try Inflate.unpack(data, to: byteCount, part: name)
        let actual = CRC32.of(contents.bytes)
        guard actual == checksum else {
            throw CheckpointError.checksumMismatch(entry: name, expected: checksum, actual: actual)
        }
        return contents
    }
}
