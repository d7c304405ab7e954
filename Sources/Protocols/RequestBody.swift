// SPDX-License-Identifier: MIT

import Compression
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
        guard let stream = InflateStream(.gzipOrZlib) else {
            throw RequestRefusal(.internalServerError, "no memory to decompress the body")
        }
        let damaged = RequestRefusal(.badRequest, "the compressed body is damaged or cut off")
        var output: [UInt8] = []
        try withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 64) { chunk in
            try bytes.withUnsafeBytes { input in
                var taken = 0
                var isComplete = false
                while !isComplete {
                    guard let step = stream.unpack(UnsafeRawBufferPointer(rebasing: input[taken...]), into: chunk)
                    else {
                        throw damaged
                    }
                    taken += step.taken
                    output.append(contentsOf: chunk[..<step.given])
                    guard output.count <= maxBytes else {
                        throw RequestRefusal(
                            .contentTooLarge, "the decompressed body is larger than \(maxBytes) bytes")
                    }
                    isComplete = step.isComplete
                    if isComplete, areGzip(input), areGzip(UnsafeRawBufferPointer(rebasing: input[taken...])) {
                        guard stream.restart() else { throw damaged }
                        isComplete = false
                    }
                }
                guard taken == input.count else { throw damaged }
            }
        }
        return output
    }

    /// Whether the bytes begin as a member of a gzip file does.
    private static func areGzip(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.starts(with: [0x1F, 0x8B]) }
}
