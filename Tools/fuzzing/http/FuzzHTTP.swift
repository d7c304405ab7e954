// SPDX-License-Identifier: MIT

import HTTP

/// What a stream of bytes turned out to hold.
private struct Reading: Equatable {
    var events: [RequestParser.Event] = []
    /// Which of two errors is met first may depend on the pieces; whether one is met may not.
    var isBroken = false

    init(_ bytes: UnsafeRawBufferPointer, pieceSize: Int) {
        var limits = HTTPLimits()
        limits.maxBodyBytes = 4096
        limits.maxHeaderBytes = 1024
        limits.maxRequestLineBytes = 256
        limits.maxChunks = 64
        var parser = RequestParser(limits: limits)
        do {
            for start in stride(from: 0, to: bytes.count, by: pieceSize) {
                parser.append(UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + pieceSize, bytes.count)]))
                while let event = try parser.next() { events.append(event) }
            }
        } catch {
            isBroken = true
        }
    }
}

/// Reads the input as a connection, as a form and as a media type. However the connection is cut into pieces, it must read
/// the same: else two readers of one stream could disagree about where a request ends.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzHTTP(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = UnsafeRawBufferPointer(start: start, count: count)
    let whole = Reading(bytes, pieceSize: max(1, count))
    precondition(whole == Reading(bytes, pieceSize: 1), "byte by byte the stream reads differently")
    precondition(whole == Reading(bytes, pieceSize: 7), "in pieces of 7 the stream reads differently")
    for case .head(let head) in whole.events {
        precondition(head.target.segments.allSatisfy { $0 != ".." && !$0.contains("/") }, "a segment leads elsewhere")
    }
    let text = String(decoding: bytes.prefix(256), as: UTF8.self)
    _ = MediaType(text)
    if let form = MediaType("multipart/form-data; boundary=X"),
        let parts = try? MultipartForm(Array(bytes), contentType: form).parts
    {
        precondition(parts.allSatisfy { $0.content.upperBound <= count }, "a part ends behind the body")
    }
    return 0
}
