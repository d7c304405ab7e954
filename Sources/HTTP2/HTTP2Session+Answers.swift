// SPDX-License-Identifier: MIT

import CNghttp2
import HTTP
import Text

/// Answers on their way to the client.
extension HTTP2Session {
    /// Answers a request.
    ///
    /// - Parameters:
    ///   - id: The stream.
    ///   - response: Its trailers follow the body; without a body they are among the headers, which end the stream.
    ///   - isHead: Whether the request was HEAD: the body is left out, its length is not.
    ///   - isOpen: Whether more of the body will come by ``append(_:to:)``, up to ``finish(_:trailers:)``.
    ///   - date: The value of the `date` field.
    package func respond(
        _ id: Int32, _ response: Response, isHead: Bool = false, isOpen: Bool = false, date: String
    ) {
        guard !hasFailed, let stream = streams[id], !stream.isAnswered else { return }
        stream.isAnswered = true
        var block = FieldBlock()
        block.add(":status", String(response.status.code))
        block.add("date", date, isRepeated: false)
        for header in response.headers { block.add(header) }
        if response.trailers.isEmpty, !isOpen, response.status != .notModified {
            block.add("content-length", String(response.body.count))
        }
        stream.isComplete = !isOpen
        if isHead || response.body.isEmpty, !isOpen {
            for trailer in response.trailers { block.add(trailer) }
            return check(block.withFields { nghttp2_submit_response(handle, id, $0.baseAddress, $0.count, nil) })
        }
        stream.output = response.body
        stream.trailers = response.trailers
        unsentByteCount += response.body.count
        var provider = nghttp2_data_provider(source: nghttp2_data_source(ptr: nil), read_callback: readBody)
        check(block.withFields { nghttp2_submit_response(handle, id, $0.baseAddress, $0.count, &provider) })
    }

    /// Adds to the body of an answer that is open.
    package func append(_ bytes: [UInt8], to id: Int32) {
        guard !hasFailed, let stream = streams[id], stream.isAnswered, !stream.isComplete else { return }
        if stream.sent == stream.output.count { (stream.output, stream.sent) = ([], 0) }
        stream.output += bytes
        unsentByteCount += bytes.count
        resume(id, stream)
    }

    /// Ends an answer that is open.
    package func finish(_ id: Int32, trailers: [Response.Header]) {
        guard !hasFailed, let stream = streams[id], stream.isAnswered, !stream.isComplete else { return }
        stream.isComplete = true
        stream.trailers = trailers
        resume(id, stream)
    }

    private func resume(_ id: Int32, _ stream: Stream) {
        guard stream.isWaiting else { return }
        stream.isWaiting = false
        check(nghttp2_session_resume_data(handle, id))
    }

    /// Asks a client that waits for it to send its body.
    package func sendContinue(_ id: Int32) {
        guard !hasFailed, let stream = streams[id], !stream.isAnswered else { return }
        var block = FieldBlock()
        block.add(":status", "100")
        let flags = UInt8(NGHTTP2_FLAG_NONE.rawValue)
        check(block.withFields { nghttp2_submit_headers(handle, flags, id, nil, $0.baseAddress, $0.count, nil) })
    }

    /// Gives a stream up, and what was to be sent on it.
    package func cancel(_ id: Int32) { reset(id, NGHTTP2_CANCEL) }

    /// Ends a stream when its answer has been sent, though its client still sends: nobody waits for that.
    package func endAfterAnswer(_ id: Int32) {
        guard let stream = streams[id] else { return }
        stream.endsWithAnswer = true
        if stream.isSent { reset(id, NGHTTP2_NO_ERROR) }
    }

    func reset(_ id: Int32, _ code: nghttp2_error_code) {
        guard !hasFailed else { return }
        if let stream = streams[id] {
            unsentByteCount -= stream.unsentByteCount
            (stream.output, stream.sent) = ([], 0)
        }
        check(nghttp2_submit_rst_stream(handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, UInt32(code.rawValue)))
    }

    /// Bytes of a stream's answer that have not been put into frames.
    package func unsentByteCount(of id: Int32) -> Int { streams[id]?.unsentByteCount ?? 0 }

    /// Gives nghttp2 the next part of a body.
    ///
    /// - Returns: How many bytes, or one of nghttp2's errors.
    func read(_ id: Int32, into buffer: UnsafeMutableRawBufferPointer, _ flags: inout UInt32) -> Int {
        guard let stream = streams[id] else { return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue) }
        let count = min(stream.unsentByteCount, buffer.count)
        if count == 0, !stream.isComplete {
            stream.isWaiting = true
            return Int(NGHTTP2_ERR_DEFERRED.rawValue)
        }
        stream.output[stream.sent..<(stream.sent + count)].withUnsafeBytes { buffer.copyMemory(from: $0) }
        stream.sent += count
        unsentByteCount -= count
        guard stream.isComplete, stream.unsentByteCount == 0 else { return count }
        stream.output = []
        stream.sent = 0
        flags |= UInt32(NGHTTP2_DATA_FLAG_EOF.rawValue)
        guard !stream.trailers.isEmpty else { return count }
        flags |= UInt32(NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue)
        var block = FieldBlock()
        for trailer in stream.trailers { block.add(trailer) }
        // A failure here ends the stream; the session itself must not be ended from within its callback.
        let result = block.withFields { nghttp2_submit_trailer(handle, id, $0.baseAddress, $0.count) }
        return result == 0 ? count : Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
    }
}

/// Header fields as nghttp2 takes them: pointers into one block of bytes.
private struct FieldBlock {
    private struct Field {
        let name: Range<Int>
        let value: Range<Int>
        let isRepeated: Bool
    }

    private var bytes: [UInt8] = []
    private var fields: [Field] = []

    /// Values that differ from answer to answer are not worth a place in the table of the client's decoder.
    private static let unrepeated = ["X-Request-Id", "Server-Timing", "traceparent"]

    mutating func add(_ header: Response.Header) {
        add(header.name, header.value, isRepeated: !Self.unrepeated.contains { haveSameBytes($0, header.name) })
    }

    /// Adds a field, its name in lower case.
    mutating func add(_ name: String, _ value: String, isRepeated: Bool = true) {
        let start = bytes.count
        bytes.append(contentsOf: name.utf8.lazy.map(ASCII.lowercased))
        let end = bytes.count
        bytes.append(contentsOf: value.utf8)
        fields.append(Field(name: start..<end, value: end..<bytes.count, isRepeated: isRepeated))
    }

    /// Calls a function that copies the fields.
    mutating func withFields<Result>(_ body: (UnsafeBufferPointer<nghttp2_nv>) -> Result) -> Result {
        let fields = fields
        return bytes.withUnsafeMutableBufferPointer { bytes in
            let start = bytes.baseAddress
            let values = fields.map { field in
                nghttp2_nv(
                    name: start?.advanced(by: field.name.lowerBound),
                    value: start?.advanced(by: field.value.lowerBound),
                    namelen: field.name.count, valuelen: field.value.count,
                    flags: field.isRepeated ? 0 : UInt8(NGHTTP2_NV_FLAG_NO_INDEX.rawValue))
            }
            return values.withUnsafeBufferPointer(body)
        }
    }
}

// MARK: Windows

extension HTTP2Session {
    /// The streams of which something is to be sent that the client's windows do not let through, and how many bytes; stream 0
    /// is the whole connection.
    package var blockedStreams: [(stream: Int32, byteCount: Int)] {
        guard unsentByteCount > 0, !hasFailed else { return [] }
        if nghttp2_session_get_remote_window_size(handle) <= 0 { return [(0, unsentByteCount)] }
        return streams.compactMap { id, stream in
            stream.unsentByteCount > 0 && nghttp2_session_get_stream_remote_window_size(handle, id) <= 0
                ? (id, stream.unsentByteCount) : nil
        }
    }
}
