// SPDX-License-Identifier: MIT

import CZlib
import HTTP
import Text

/// A body as the client meant it, decompressed.
package enum RequestBody {
    /// Undoes the request's Content-Encoding.
    ///
    /// - Parameters:
    ///   - body: The body as it came.
    ///   - headers: The request's headers.
    ///   - maxBytes: The limit of the decompressed size; it is kept while decompressing.
    /// - Throws: ``RequestRefusal``: 415 for an unknown encoding, 413 above the limit, 400 for broken data.
    package static func decoded(_ body: [UInt8], headers: HeaderFields, maxBytes: Int) throws -> [UInt8] {
        let codings = headers.list("content-encoding").map(\.lowercased).filter { $0 != "identity" }
        guard let coding = codings.first else { return body }
        guard codings.count == 1, ["gzip", "x-gzip", "deflate"].contains(coding) else {
            throw RequestRefusal(.unsupportedMediaType, "the content encodings this server knows are gzip and deflate")
        }
        return try inflated(body, maxBytes: maxBytes)
    }

    /// Inflates a zlib stream or a gzip file of one member or several (RFC 1952, section 2.2). What follows is an error.
    package static func inflated(_ bytes: [UInt8], maxBytes: Int) throws -> [UInt8] {
        var stream = z_stream()
        // 15 bits of window, and 32 to tell gzip from zlib by its header.
        guard inflateInit2_(&stream, 47, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw RequestRefusal(.internalServerError, "no memory to decompress the body")
        }
        defer { inflateEnd(&stream) }
        var output: [UInt8] = []
        var input = bytes
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        var code = Z_OK
        let isGzip = bytes.starts(with: [0x1F, 0x8B])
        input.withUnsafeMutableBufferPointer { buffer in
            stream.next_in = buffer.baseAddress
            stream.avail_in = UInt32(clamping: buffer.count)
            while code == Z_OK, output.count <= maxBytes {
                let produced = chunk.withUnsafeMutableBufferPointer { room in
                    stream.next_out = room.baseAddress
                    stream.avail_out = UInt32(room.count)
                    code = inflate(&stream, Z_NO_FLUSH)
                    return room.count - Int(stream.avail_out)
                }
                output.append(contentsOf: chunk[..<produced])
                if code == Z_STREAM_END, isGzip, isFollowedByMember(stream) { code = inflateReset2(&stream, gzipOnly) }
            }
        }
        if output.count > maxBytes {
            throw RequestRefusal(.contentTooLarge, "the decompressed body is larger than \(maxBytes) bytes")
        }
        guard code == Z_STREAM_END, stream.avail_in == 0 else {
            throw RequestRefusal(.badRequest, "the compressed body is damaged or cut off")
        }
        return output
    }

    /// zlib's code for a window of 15 bits in a gzip file; 16 more lets it tell gzip from zlib by the header.
    private static let gzipOnly: Int32 = 31

    /// Whether the file goes on with another member of gzip, which begins with these two bytes.
    private static func isFollowedByMember(_ stream: z_stream) -> Bool {
        guard stream.avail_in >= 2, let next = stream.next_in else { return false }
        return next[0] == 0x1F && next[1] == 0x8B
    }
}
