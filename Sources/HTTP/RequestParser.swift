// SPDX-License-Identifier: MIT

import Text

/// Turns the bytes of one connection into requests, however they are cut into pieces.
///
/// Append what the socket gives, then call ``next()`` until it returns nil. Each request is two events: its head, then
/// its body, so that the caller can refuse a request, or ask for its body, before a byte of the body is read.
///
/// After an error the parser stays at the error: nothing behind it is ever taken for a request.
///
/// - Source: RFC 9112.
package struct RequestParser: Sendable {
    /// A part of a request.
    package enum Event: Equatable, Sendable {
        /// The request line and headers.
        case head(RequestHead)
        /// The whole body, chunks joined; empty if the request has none. The request ends here.
        case body([UInt8])
    }

    private enum State: Sendable {
        case head
        case sizedBody(length: Int)
        case chunkedBody(ChunkedBody)
        case failed(HTTPError)
    }

    /// The limits it holds requests to.
    package let limits: HTTPLimits

    private var state = State.head
    private var input: [UInt8] = []
    private var position = 0
    /// Where the line that is being looked for begins, and where the search for its end goes on.
    private var line = HeadScan()

    private struct HeadScan: Sendable {
        var start = 0
        var searched = 0
        var headStart: Int?
        var fieldsStart = 0
        var hasSkippedEmptyLine = false
    }

    /// A parser at the start of a connection.
    package init(limits: HTTPLimits) {
        self.limits = limits
    }

    /// Whether bytes of a request that is not complete have come.
    package var isInsideRequest: Bool {
        if case .head = state { return position < input.count }
        return true
    }

    /// How many bytes wait that no event has given yet, joined chunks included.
    package var bufferedByteCount: Int {
        if case .chunkedBody(let body) = state { return body.bytes.count + input.count - position }
        return input.count - position
    }

    /// Adds bytes from the connection.
    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        if case .failed = state { return }
        input.append(contentsOf: bytes)
    }

    /// The next event, or nil until more bytes come.
    ///
    /// - Throws: ``HTTPError``, the same again on each later call.
    package mutating func next() throws(HTTPError) -> Event? {
        do {
            return try nextEvent()
        } catch {
            state = .failed(error)
            input = []
            position = 0
            throw error
        }
    }

    private mutating func nextEvent() throws(HTTPError) -> Event? {
        switch state {
        case .head:
            guard let head = try nextHead() else { return nil }
            switch head.framing {
            case .length(let length): state = .sizedBody(length: length)
            case .chunked: state = .chunkedBody(ChunkedBody(limits: limits))
            }
            return .head(head)
        case .sizedBody(let length):
            guard input.count - position >= length else {
                makeRoom(bodyLength: length)
                return nil
            }
            return .body(takeBody(length))
        case .chunkedBody(var body):
            state = .head  // so that the joined bytes have one owner while they grow
            let isComplete = try body.take(input, from: &position)
            guard isComplete else {
                state = .chunkedBody(body)
                dropConsumed()
                return nil
            }
            finishRequest(at: position)
            return .body(body.bytes)
        case .failed(let error):
            throw error
        }
    }

    /// When a good part of a large body has come, takes room for the rest at once: what grows by doubling leaves as much
    /// again behind.
    private mutating func makeRoom(bodyLength length: Int) {
        guard length > 64 << 10, input.count - position >= length / 8, input.capacity < length else { return }
        input.removeSubrange(..<position)
        position = 0
        input.reserveCapacity(length)
    }

    private mutating func takeBody(_ length: Int) -> [UInt8] {
        var body: [UInt8] = []
        if position == 0, input.count == length {
            swap(&body, &input)
        } else {
            body = Array(input[position..<(position + length)])
            position += length
        }
        finishRequest(at: position)
        return body
    }

    private mutating func finishRequest(at end: Int) {
        position = end
        state = .head
        dropConsumed()
        line = HeadScan(start: position, searched: position)
    }

    /// Frees the bytes that were given out, but not by moving a few bytes at a time.
    private mutating func dropConsumed() {
        if position == input.count {
            input.removeAll(keepingCapacity: input.capacity <= 64 << 10)
            position = 0
        } else if position > 64 << 10 || position > input.count / 2 {
            input.removeSubrange(..<position)
            position = 0
        }
    }

    /// Looks for the empty line behind the headers, holding each line to the limits as it grows.
    private mutating func nextHead() throws(HTTPError) -> RequestHead? {
        while let end = input[line.searched...].firstIndex(of: ASCII.lineFeed) {
            guard end > line.start, input[end - 1] == ASCII.carriageReturn else { throw .bareLineFeed }
            let isEmpty = end - 1 == line.start
            try checkLimits(lineEnd: end - 1)
            let start = line.start
            line.start = end + 1
            line.searched = end + 1
            if let headStart = line.headStart {
                guard isEmpty else { continue }
                let head = try RequestHead(parsing: Array(input[headStart..<start]), limits: limits)
                position = end + 1
                return head
            } else if isEmpty {
                if line.hasSkippedEmptyLine { throw .emptyLinesBeforeRequest }
                line.hasSkippedEmptyLine = true
                position = end + 1
            } else {
                line.headStart = start
                line.fieldsStart = end + 1
            }
        }
        line.searched = input.count
        // The last byte may be the carriage return of the line's end.
        try checkLimits(lineEnd: max(line.start, input.count - 1))
        return nil
    }

    private func checkLimits(lineEnd: Int) throws(HTTPError) {
        if line.headStart == nil {
            if lineEnd - line.start > limits.maxRequestLineBytes {
                throw .requestLineTooLong(limit: limits.maxRequestLineBytes)
            }
        } else if lineEnd - line.fieldsStart > limits.maxHeaderBytes {
            throw .headersTooLarge(limit: limits.maxHeaderBytes)
        }
    }
}
