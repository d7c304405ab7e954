// SPDX-License-Identifier: MIT

import CZlib
import HTTP

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
        let codings = headers.list("content-encoding").map { $0.lowercased() }.filter { $0 != "identity" }
        guard let coding = codings.first else { return body }
        guard codings.count == 1, ["gzip", "x-gzip", "deflate"].contains(coding) else {
            throw RequestRefusal(.unsupportedMediaType, "the content encodings this server knows are gzip and deflate")
        }
        return try inflated(body, maxBytes: maxBytes)
    }

    /// Inflates a zlib or gzip stream. What follows the stream is an error.
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
}
