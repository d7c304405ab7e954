// SPDX-License-Identifier: MIT

import HTTP
import Text

private let limits: HTTPLimits = {
    var limits = HTTPLimits()
    limits.maxBodyBytes = 4096
    limits.maxHeaderBytes = 1024
    limits.maxRequestLineBytes = 256
    limits.maxChunks = 64
    limits.maxTrailerBytes = 256
    return limits
}()

/// What a stream of bytes turned out to hold.
private struct Reading: Equatable {
    var events: [RequestParser.Event] = []
    /// Which of two errors is met first may depend on the pieces; whether one is met may not.
    var isBroken = false

    init(_ bytes: UnsafeRawBufferPointer, pieceSize: Int) {
        var parser = RequestParser(limits: limits)
        // A head, or a body with a chunk's line or trailers: never more is kept, however much is sent.
        let mostKept =
            max(limits.maxRequestLineBytes + limits.maxHeaderBytes, limits.maxBodyBytes + limits.maxTrailerBytes)
            + limits.maxChunkLineBytes + 8 + pieceSize
        do {
            for start in stride(from: 0, to: bytes.count, by: pieceSize) {
                parser.append(UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + pieceSize, bytes.count)]))
                while let event = try parser.next() { events.append(event) }
                precondition(parser.bufferedByteCount <= mostKept, "more is kept than the limits allow")
            }
        } catch {
            isBroken = true
            let count = parser.bufferedByteCount
            parser.append(UnsafeRawBufferPointer(rebasing: bytes.prefix(64)))
            precondition((try? parser.next()) == nil && parser.bufferedByteCount <= count, "reads on after an error")
        }
    }

    /// The bodies that came whole, each with its head.
    var requests: [(head: RequestHead, body: [UInt8])] {
        var head: RequestHead?
        return events.compactMap { event in
            switch event {
            case .head(let next):
                head = next
                return nil
            case .body(let body): return head.map { ($0, body) }
            }
        }
    }
}

/// Reads the input as a connection, as a form and as a media type. However the connection is cut into pieces, it must read
/// the same, and as the simplest of readers has it: else two readers of one stream could disagree about where a request
/// ends.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzHTTP(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = UnsafeRawBufferPointer(start: start, count: count)
    let whole = Reading(bytes, pieceSize: max(1, count))
    precondition(whole == Reading(bytes, pieceSize: 1), "byte by byte the stream reads differently")
    precondition(whole == Reading(bytes, pieceSize: 7), "in pieces of 7 the stream reads differently")
    let naive = naiveBodies(Array(bytes))
    for (index, request) in whole.requests.enumerated() {
        precondition(index < naive.count && request.body == naive[index], "a body is not where it should be")
        precondition(request.body.count <= limits.maxBodyBytes, "a body is larger than the limit")
        precondition(
            request.head.target.segments.allSatisfy { $0 != ".." && !$0.utf8.contains(UInt8(ascii: "/")) },
            "a segment leads elsewhere")
        if case .length(let length) = request.head.framing {
            precondition(request.body.count == length, "a body has another length than was said")
        }
    }
    _ = MediaType(ByteText(decoding: bytes.prefix(256)))
    checkForm(Array(bytes))
    return 0
}

/// Reads the input as a form. Its parts must lie one behind the other, with a boundary behind each.
private func checkForm(_ body: [UInt8]) {
    guard let type = MediaType("multipart/form-data; boundary=X"),
        let parts = try? MultipartForm(body, contentType: type).parts
    else { return }
    var end = 0
    for part in parts {
        precondition(part.content.lowerBound >= end && part.content.upperBound <= body.count, "a part overlaps")
        let rest = body[part.content.upperBound...]
        precondition(rest.starts(with: "\r\n--X".utf8), "no boundary behind a part")
        end = part.content.upperBound
    }
    precondition(parts.count <= MultipartForm.maxParts, "more parts than the limit")
}
