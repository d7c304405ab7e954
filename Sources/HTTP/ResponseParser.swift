// SPDX-License-Identifier: MIT

import Text

/// Turns the bytes of one connection into responses, for clients.
///
/// Append what the socket gives, then call ``next()`` until it returns nil; at the connection's end call ``finish()``.
///
/// - Source: RFC 9112, sections 4 and 6.3.
package struct ResponseParser: Sendable {
    /// A whole response.
    package struct Answer: Sendable {
        package let status: Int
        package let headers: HeaderFields
        package let body: [UInt8]
        /// Whether the connection may carry another request.
        package let keepsAlive: Bool
    }

    private struct Head {
        let status: Int
        let headers: HeaderFields
        let keepsAlive: Bool
    }

    private enum State {
        case head
        case sized(Head, length: Int)
        case chunked(Head, ChunkedBody)
        /// The body ends with the connection.
        case untilEnd(Head)
    }

    private let limits: HTTPLimits
    private var state = State.head
    private var input: [UInt8] = []
    private var position = 0
    /// Where the search for the head's end goes on.
    private var searched = 0

    package init(limits: HTTPLimits) {
        self.limits = limits
    }

    /// Whether a part of a response has come.
    package var isInsideResponse: Bool {
        if case .head = state { return position < input.count }
        return true
    }

    /// Adds bytes from the connection.
    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        input.append(contentsOf: bytes)
    }

    /// The next response, or nil until more bytes come. Interim responses (1xx) are passed over.
    ///
    /// - Throws: ``HTTPError``; the connection is of no more use then.
    package mutating func next() throws(HTTPError) -> Answer? {
        while true {
            switch state {
            case .head:
                guard let head = try nextHead() else { return nil }
                if (100..<200).contains(head.status) { continue }
                state = try body(of: head)
            case .sized(let head, let length):
                guard input.count - position >= length else { return nil }
                let body = Array(input[position..<(position + length)])
                position += length
                return answer(head, body)
            case .chunked(let head, var body):
                state = .untilEnd(head)  // so that the joined bytes have one owner while they grow
                guard try body.take(input, from: &position) else {
                    state = .chunked(head, body)
                    return nil
                }
                return answer(head, body.bytes)
            case .untilEnd:
                if input.count - position > limits.maxBodyBytes { throw .bodyTooLarge(limit: limits.maxBodyBytes) }
                return nil
            }
        }
    }

    /// The response whose body ends with the connection, if there is one.
    package mutating func finish() -> Answer? {
        guard case .untilEnd(let head) = state else { return nil }
        return answer(head, Array(input[position...]))
    }

    private mutating func answer(_ head: Head, _ body: [UInt8]) -> Answer {
        input.removeSubrange(..<min(position, input.count))
        (position, searched, state) = (0, 0, .head)
        return Answer(status: head.status, headers: head.headers, body: body, keepsAlive: head.keepsAlive)
    }

    private mutating func nextHead() throws(HTTPError) -> Head? {
        var index = max(searched, position)
        while index < input.count {
            guard input[index] == ASCII.lineFeed else {
                index += 1
                continue
            }
            let isEnd =
                index >= position + 3 && input[index - 1] == ASCII.carriageReturn && input[index - 2] == ASCII.lineFeed
            if isEnd {
                let head = try Self.parsed(Array(input[position..<(index - 1)]), limits)
                position = index + 1
                searched = position
                return head
            }
            index += 1
        }
        searched = index
        if input.count - position > limits.maxHeaderBytes { throw .headersTooLarge(limit: limits.maxHeaderBytes) }
        return nil
    }

    /// - Parameter bytes: The status line and the field lines with their line ends.
    private static func parsed(_ bytes: [UInt8], _ limits: HTTPLimits) throws(HTTPError) -> Head {
        guard let lineEnd = bytes.firstIndex(of: ASCII.lineFeed), lineEnd >= 13,
            bytes[lineEnd - 1] == ASCII.carriageReturn,
            bytes.starts(with: Array("HTTP/1.".utf8)), bytes[8] == ASCII.space
        else { throw .malformedStatusLine }
        var status = 0
        for byte in bytes[9..<12] {
            guard byte &- 0x30 < 10 else { throw .malformedStatusLine }
            status = 10 * status + Int(byte - 0x30)
        }
        guard status >= 100, bytes[12] == ASCII.space || lineEnd == 13 else { throw .malformedStatusLine }
        let headers = try HeaderFields(parsing: bytes[(lineEnd + 1)...], limits: limits)
        let isNew = bytes[7] == 0x31
        let keepsAlive =
            isNew ? !headers.listContains("connection", "close") : headers.listContains("connection", "keep-alive")
        return Head(status: status, headers: headers, keepsAlive: keepsAlive)
    }

    private func body(of head: Head) throws(HTTPError) -> State {
        if head.status == 204 || head.status == 304 { return .sized(head, length: 0) }
        if head.headers.count(of: "transfer-encoding") > 0 {
            guard head.headers.listContains("transfer-encoding", "chunked") else { throw .unsupportedTransferCoding }
            return .chunked(head, ChunkedBody(limits: limits))
        }
        guard let text = head.headers["content-length"] else {
            return .untilEnd(Head(status: head.status, headers: head.headers, keepsAlive: false))
        }
        guard head.headers.count(of: "content-length") == 1, !text.utf8.isEmpty, text.utf8.count < 16,
            text.utf8.allSatisfy({ $0 &- 0x30 < 10 })
        else { throw .invalidHeader(name: "content-length") }
        let length = text.utf8.reduce(0) { 10 * $0 + Int($1 - 0x30) }
        if length > limits.maxBodyBytes { throw .bodyTooLarge(limit: limits.maxBodyBytes) }
        return .sized(head, length: length)
    }
}
