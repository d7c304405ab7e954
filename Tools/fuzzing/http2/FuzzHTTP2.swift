// SPDX-License-Identifier: MIT

import HTTP
import HTTP2

private let limits: HTTPLimits = {
    var limits = HTTPLimits()
    limits.maxHeaderBytes = 1024
    limits.maxRequestLineBytes = 256
    limits.maxHeaderFields = 20
    limits.maxTrailerBytes = 256
    return limits
}()

/// What the events of a session must look like, whatever the client sends.
private struct Watch {
    private enum State {
        case reading, ended
    }

    private var streams: [Int32: State] = [:]
    private var last: Int32 = 0
    /// What came on each stream, so that sessions can be compared.
    var heads: [Int32: Result<RequestHead, HTTPError>] = [:]
    var bodies: [Int32: [UInt8]] = [:]

    mutating func see(_ event: HTTP2Event) {
        switch event {
        case .head(let stream, let head):
            precondition(stream > last && stream % 2 == 1, "a stream's number goes back, or is the server's")
            last = stream
            streams[stream] = .reading
            heads[stream] = head
            if case .success(let head) = head { check(head) }
        case .data(let stream, let bytes):
            precondition(streams[stream] == .reading, "a body on a stream that is not being read")
            bodies[stream, default: []] += bytes
        case .end(let stream):
            precondition(streams[stream] == .reading, "an end of what is not being read")
            streams[stream] = .ended
            if case .success(let head) = heads[stream], case .length(let length) = head.framing {
                precondition(bodies[stream, default: []].count == length, "a body has another length than was said")
            }
        case .closed(let stream):
            streams[stream] = nil
        }
    }

    private func check(_ head: RequestHead) {
        precondition(head.version == .http2 && head.headers.count <= limits.maxHeaderFields)
        precondition(
            head.target.segments.allSatisfy { $0 != ".." && !$0.utf8.contains(UInt8(ascii: "/")) },
            "a segment leads elsewhere")
        precondition(head.headers.count(of: "host") == 1, "not one host")
    }
}

/// Feeds a session by pieces.
private func run(
    _ bytes: UnsafeRawBufferPointer, pieceSize: Int, _ react: (HTTP2Session, HTTP2Event) -> Void
) -> Watch {
    var http2 = HTTP2Limits()
    http2.maxConcurrentStreams = 5
    http2.streamWindow = 4096
    http2.connectionWindow = 70_000
    http2.maxIdleFrames = 50
    let session = HTTP2Session(limits: http2, http: limits)
    var watch = Watch()
    var output: [UInt8] = []
    func take(_ events: [HTTP2Event]) {
        for event in events {
            watch.see(event)
            react(session, event)
        }
    }
    for start in stride(from: 0, to: bytes.count, by: pieceSize) {
        take(session.receive(UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + pieceSize, bytes.count)])))
        output.removeAll()
        take(session.takeOutput(into: &output, upTo: 4096))
        precondition(output.count <= 4096 + 16_384 + 9, "more is sent at once than was asked for")
        precondition(session.unsentByteCount >= 0)
        if session.isOver { break }
    }
    precondition(!session.hasFailed || session.streamCount == 0, "streams of a session that has failed")
    return watch
}

/// Reads the input as the frames of a client: once without answers, cut in two ways, which must read the same; and once with
/// answers of every form.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzHTTP2(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = UnsafeRawBufferPointer(start: start, count: count)
    let whole = run(bytes, pieceSize: max(1, count)) { _, _ in }
    let pieces = run(bytes, pieceSize: 3) { _, _ in }
    for (stream, head) in whole.heads {
        guard let other = pieces.heads[stream] else { continue }
        precondition(head == other, "a head reads differently in pieces")
        // One of them may have met an end that the other was spared: a window, or a budget of time.
        let (one, two) = (whole.bodies[stream, default: []], pieces.bodies[stream, default: []])
        precondition(one.starts(with: two) || two.starts(with: one), "a body reads differently in pieces")
    }
    answer(bytes)
    return 0
}

private func answer(_ bytes: UnsafeRawBufferPointer) {
    var open: [Int32] = []
    _ = run(bytes, pieceSize: 50) { session, event in
        switch event {
        case .head(let stream, let head):
            var response = Response(
                .ok, contentType: "text/plain", body: [UInt8](repeating: 1, count: Int(stream % 64) * 500))
            if stream % 3 == 0 { response.addTrailer("grpc-status", "0") }
            if stream % 5 == 0 { response.body = [] }
            let isOpen = stream % 7 == 0
            if isOpen { open.append(stream) }
            if stream % 4 == 1, case .success(let head) = head, head.expectsContinue { session.sendContinue(stream) }
            session.respond(stream, response, isHead: stream % 11 == 0, isOpen: isOpen, date: "today")
        case .data(let stream, let bytes):
            stream % 2 == 0 ? session.discard(bytes.count) : session.consume(bytes.count, of: stream)
            for stream in open { session.append(bytes, to: stream) }
        case .end(let stream):
            for stream in open { session.finish(stream, trailers: []) }
            if stream % 9 == 0 { session.announceEnd() }
            if stream % 13 == 0 { session.refuseFurtherStreams() }
        case .closed(let stream):
            open.removeAll { $0 == stream }
            if stream % 17 == 0 { session.ping() }
        }
        _ = session.blockedStreams
    }
}
