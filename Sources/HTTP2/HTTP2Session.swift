// SPDX-License-Identifier: MIT

import CNghttp2
import HTTP

/// The server's side of one connection of HTTP/2: bytes of the client go in, requests come out; answers go in, bytes for the
/// client come out. It has no socket and no clock.
///
/// Frames, compression of headers and flow control are libnghttp2's. What that leaves to its user is here: limits of headers, a
/// budget of frames, and bodies that are counted before more may come.
///
/// - Source: RFC 9113; RFC 7541.
package final class HTTP2Session {
    /// What a client of HTTP/2 sends first, 24 bytes.
    package static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    /// Headers of more than this many times the limit end the connection: to unpack them is work.
    private static let headerPatience = 4
    /// What an answer earns in the budget of frames, and what each frame of its body does.
    private static let earnedByAnswer = 4
    private static let earnedByData = 2

    let limits: HTTP2Limits
    let http: HTTPLimits
    // nghttp2's handle; nil only if there was no memory for it.
    private(set) var handle: OpaquePointer?
    var streams: [Int32: Stream] = [:]
    private var events: [HTTP2Event] = []
    private var budget: FrameBudget
    /// The stream whose header block has begun and not ended.
    private var openHead: Int32?
    private var lastStream: Int32 = 0
    /// Bytes that go out before everything else, after the session has failed.
    private var lastWords: [UInt8] = []
    /// Whether the session can't go on, because of what the client did or for want of memory.
    package private(set) var hasFailed = false
    /// Bytes of answers that have not been put into frames.
    package internal(set) var unsentByteCount = 0

    /// A request and its answer, as far as the session knows them.
    final class Stream {
        var fields = HeaderFields()
        var method: [UInt8] = []
        var target: [UInt8] = []
        var authority: [UInt8]?
        var headerBytes = 0
        var failure: HTTPError?
        var hasHead = false
        /// The body of the answer, and how much of it has been put into frames.
        var output: [UInt8] = []
        var sent = 0
        /// Whether the answer has begun, whether all of it is in ``output``, and whether nghttp2 waits for more of it.
        var isAnswered = false
        var isComplete = false
        var isWaiting = false
        /// Whether all of the answer has gone out, and whether the stream is to end then, though its client still sends.
        var isSent = false
        var endsWithAnswer = false
        var trailers: [Response.Header] = []

        var unsentByteCount: Int { output.count - sent }
    }

    /// A session whose client has sent its ``preface``; the server's settings are the first that it sends.
    ///
    /// - Parameters:
    ///   - limits: What the client may do.
    ///   - http: The limits of each request.
    package init(limits: HTTP2Limits = HTTP2Limits(), http: HTTPLimits) {
        self.limits = limits
        self.http = http
        budget = FrameBudget(limit: limits.maxIdleFrames)
        handle = makeHandle()
        guard handle != nil else {
            hasFailed = true
            return
        }
        let settings = [
            (NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.maxConcurrentStreams),
            (NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.streamWindow),
            (NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, http.maxHeaderBytes),
            (NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1),
        ].map {
            nghttp2_settings_entry(settings_id: Int32($0.0.rawValue), value: UInt32(clamping: $0.1))
        }
        check(nghttp2_submit_settings(handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), settings, settings.count))
        check(
            nghttp2_session_set_local_window_size(
                handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0, Int32(clamping: limits.connectionWindow)))
    }

    deinit { nghttp2_session_del(handle) }

    private func makeHandle() -> OpaquePointer? {
        var callbacks: OpaquePointer?
        var options: OpaquePointer?
        guard nghttp2_session_callbacks_new(&callbacks) == 0 else { return nil }
        defer { nghttp2_session_callbacks_del(callbacks) }
        guard nghttp2_option_new(&options) == 0 else { return nil }
        defer { nghttp2_option_del(options) }
        Self.setCallbacks(callbacks)
        // Bytes of bodies are told to be taken up by hand, and the preface is read by whoever recognised it.
        nghttp2_option_set_no_auto_window_update(options, 1)
        nghttp2_option_set_no_recv_client_magic(options, 1)
        var handle: OpaquePointer?
        // The session is deleted with its owner, so the callbacks never meet an owner that is gone.
        let owner = Unmanaged.passUnretained(self).toOpaque()
        return nghttp2_session_server_new2(&handle, callbacks, owner, options) == 0 ? handle : nil
    }

    // MARK: Reading

    /// Takes bytes of the client, without the preface.
    ///
    /// - Returns: What they mean, in order.
    package func receive(_ bytes: UnsafeRawBufferPointer) -> [HTTP2Event] {
        guard !hasFailed, let start = bytes.bindMemory(to: UInt8.self).baseAddress else { return [] }
        guard budget.take(bytes) else {
            fail(NGHTTP2_ENHANCE_YOUR_CALM)
            return []
        }
        let count = nghttp2_session_mem_recv(handle, start, bytes.count)
        if count < 0 {
            let isFlood = count != Int(NGHTTP2_ERR_NOMEM.rawValue)
            fail(isFlood ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_INTERNAL_ERROR)
        }
        return takeEvents()
    }

    /// Tells that bytes of a body have been taken up, so that as many more may come.
    package func consume(_ count: Int, of stream: Int32) {
        guard !hasFailed else { return }
        check(nghttp2_session_consume(handle, stream, count))
    }

    /// Tells that nobody wants bytes of a body: other streams may send as many, this one may not.
    package func discard(_ count: Int) {
        guard !hasFailed else { return }
        check(nghttp2_session_consume_connection(handle, count))
    }

    /// Adds to the budget of frames, as time goes by.
    package func earnFrames(_ count: Int) { budget.earn(count) }

    /// Whether a head has begun whose end has not come. Until then nothing else can come on the connection.
    package var isInsideHead: Bool { openHead != nil }

    /// How many requests there are whose answers have not been sent.
    package var streamCount: Int { streams.count }

    // MARK: Writing

    /// Puts frames behind what is to be sent, until there are as many bytes as wanted or nothing more can be sent now.
    ///
    /// - Returns: What happened to streams meanwhile.
    package func takeOutput(into output: inout [UInt8], upTo limit: Int) -> [HTTP2Event] {
        output.append(contentsOf: lastWords)
        lastWords = []
        while !hasFailed, output.count < limit {
            var bytes: UnsafePointer<UInt8>?
            let count = nghttp2_session_mem_send(handle, &bytes)
            if count < 0 { fail(NGHTTP2_INTERNAL_ERROR) }
            guard count > 0 else { break }
            output.append(contentsOf: UnsafeBufferPointer(start: bytes, count: count))
        }
        return takeEvents()
    }

    /// Whether the connection has done its work: it has failed, or one side has said goodbye and all is sent.
    package var isOver: Bool {
        hasFailed || nghttp2_session_want_read(handle) == 0 && nghttp2_session_want_write(handle) == 0
    }

    // MARK: Ending

    /// Tells the client to begin no more requests. Those that are on their way are still taken up.
    package func announceEnd() {
        guard !hasFailed else { return }
        check(nghttp2_submit_shutdown_notice(handle))
    }

    /// Takes up no more requests; those that have begun are answered.
    package func refuseFurtherStreams() {
        guard !hasFailed else { return }
        let last = nghttp2_session_get_last_proc_stream_id(handle)
        check(
            nghttp2_submit_goaway(
                handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), last, UInt32(NGHTTP2_NO_ERROR.rawValue), nil, 0))
    }

    /// Asks the client for a sign of life: where nobody is left, the connection breaks.
    package func ping() {
        guard !hasFailed else { return }
        check(nghttp2_submit_ping(handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), nil))
    }

    /// Ends the session. nghttp2 may not be asked again after some errors, so the last frame is written here.
    func fail(_ code: nghttp2_error_code) {
        guard !hasFailed else { return }
        hasFailed = true
        lastWords = [0, 0, 8, UInt8(NGHTTP2_GOAWAY.rawValue), 0, 0, 0, 0, 0]
        for number in [UInt32(lastStream), UInt32(code.rawValue)] {
            lastWords += [
                UInt8(number >> 24), UInt8(number >> 16 & 255), UInt8(number >> 8 & 255), UInt8(number & 255),
            ]
        }
        for stream in streams.keys { events.append(.closed(stream: stream)) }
        streams = [:]
        unsentByteCount = 0
    }

    /// Ends the session if nghttp2 has no memory.
    func check(_ result: Int32) {
        if nghttp2_is_fatal(result) != 0 { fail(NGHTTP2_INTERNAL_ERROR) }
    }

    private func takeEvents() -> [HTTP2Event] {
        defer { events = [] }
        return events
    }
}

// MARK: What nghttp2 tells

extension HTTP2Session {
    /// What a callback tells nghttp2.
    enum Verdict: Int32 {
        case goOn = 0
        /// NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE: the stream is given up.
        case endStream = -521
        /// NGHTTP2_ERR_CALLBACK_FAILURE: the session is given up.
        case endSession = -902
    }

    func beginHeaders(_ stream: Int32, isRequest: Bool) {
        openHead = stream
        if isRequest {
            lastStream = max(lastStream, stream)
            streams[stream] = Stream()
        } else {
            streams[stream]?.headerBytes = 0
        }
    }

    func takeHeader(_ id: Int32, _ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) -> Verdict {
        guard let stream = streams[id] else { return .goOn }
        stream.headerBytes += name.count + value.count + 32
        let limit = stream.hasHead ? http.maxTrailerBytes : http.maxHeaderBytes
        if stream.headerBytes > limit {
            stream.failure = stream.failure ?? .headersTooLarge(limit: limit)
            return stream.headerBytes > limit * Self.headerPatience ? .endSession : .goOn
        }
        // Trailers are held to the limit, then dropped.
        guard !stream.hasHead, stream.failure == nil else { return .goOn }
        if name.elementsEqual(":method".utf8) {
            stream.method = Array(value)
        } else if name.elementsEqual(":path".utf8) {
            stream.target = Array(value)
        } else if name.elementsEqual(":authority".utf8) {
            stream.authority = Array(value)
        } else if name.first != UInt8(ascii: ":") {
            do {
                try stream.fields.append(name: name, value: value, limits: http)
            } catch {
                stream.failure = error
            }
        }
        return .goOn
    }

    /// A field whose name or value no field may have: the request is malformed.
    func refuseHeader(_ id: Int32) -> Verdict {
        reset(id, NGHTTP2_PROTOCOL_ERROR)
        return .endStream
    }

    func endHeaders(_ id: Int32, endsStream: Bool) {
        openHead = nil
        guard let stream = streams[id] else { return }
        if !stream.hasHead {
            stream.hasHead = true
            events.append(.head(stream: id, Result { () throws(HTTPError) in try head(of: stream, endsStream) }))
        } else if stream.failure != nil {
            return reset(id, NGHTTP2_ENHANCE_YOUR_CALM)
        }
        if endsStream { events.append(.end(stream: id)) }
    }

    private func head(of stream: Stream, _ endsStream: Bool) throws(HTTPError) -> RequestHead {
        if let failure = stream.failure { throw failure }
        var target = stream.target
        if stream.method.elementsEqual("CONNECT".utf8) { target = stream.authority ?? [] }
        if let authority = stream.authority {
            // Where both are there they must agree: readers that take one or the other must read the same.
            if let host = stream.fields["host"] {
                guard host.utf8.elementsEqual(authority) else { throw .invalidHeader(name: "host") }
            } else {
                let name = Array("host".utf8)
                try name.withUnsafeBufferPointer { name throws(HTTPError) in
                    try authority.withUnsafeBufferPointer { value throws(HTTPError) in
                        try stream.fields.append(name: name, value: value, limits: http)
                    }
                }
            }
        }
        defer { (stream.fields, stream.method, stream.target) = (HeaderFields(), [], []) }
        return try RequestHead(
            method: stream.method, target: target, headers: stream.fields, endsStream: endsStream, limits: http)
    }

    func takeData(_ id: Int32, _ bytes: UnsafeBufferPointer<UInt8>) {
        if streams[id] == nil { return discard(bytes.count) }
        events.append(.data(stream: id, Array(bytes)))
    }

    func endData(_ id: Int32) {
        if streams[id] != nil { events.append(.end(stream: id)) }
    }

    func close(_ id: Int32) {
        if openHead == id { openHead = nil }
        guard let stream = streams.removeValue(forKey: id) else { return }
        unsentByteCount -= stream.unsentByteCount
        events.append(.closed(stream: id))
    }

    /// A frame that carries a part of an answer has been taken.
    func sent(_ id: Int32, isData: Bool, endsStream: Bool) {
        budget.earn(isData ? Self.earnedByData : 0)
        guard endsStream else { return }
        budget.earn(Self.earnedByAnswer)
        guard let stream = streams[id] else { return }
        stream.isSent = true
        if stream.endsWithAnswer { reset(id, NGHTTP2_NO_ERROR) }
    }
}
