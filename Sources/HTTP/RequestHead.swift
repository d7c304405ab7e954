// SPDX-License-Identifier: MIT

import Text

/// A request's first line and header fields, checked.
package struct RequestHead: Equatable, Sendable {
    /// A version of HTTP.
    package enum Version: Equatable, Sendable {
        case http10, http11, http2

        /// The name on the wire, or what stands for it in logs.
        package var name: String {
            switch self {
            case .http10: "HTTP/1.0"
            case .http11: "HTTP/1.1"
            case .http2: "HTTP/2.0"
            }
        }
    }

    /// How the body's end is found.
    package enum Framing: Equatable, Sendable {
        /// So many bytes; 0 where the request has no body.
        case length(Int)
        /// Chunks up to an empty one, or in HTTP/2 frames up to the last one.
        case chunked
    }

    /// The method, `GET` for example. Methods are compared with their case.
    package let method: ByteText
    /// What the request asks for.
    package let target: RequestTarget
    /// The version of HTTP that the request came by.
    package let version: Version
    /// The header fields.
    package let headers: HeaderFields
    /// How the body's end is found.
    package let framing: Framing
    /// Whether the client waits for "100 Continue" before it sends the body.
    package let expectsContinue: Bool
    /// Whether the connection may carry another request after this one, as far as the client is concerned.
    package let keepsAlive: Bool

    /// Parses and checks a whole head.
    ///
    /// - Parameters:
    ///   - bytes: The request line and the field lines with their line ends, without the empty line that follows.
    ///   - limits: The limits of fields and body.
    /// - Throws: ``HTTPError``.
    /// - Source: RFC 9112, sections 2 to 6.
    package init(parsing bytes: [UInt8], limits: HTTPLimits) throws(HTTPError) {
        guard let lineEnd = bytes.firstIndex(of: ASCII.lineFeed), lineEnd > 0 else {
            throw .malformedRequestLine
        }
        let line = try RequestLine(bytes[..<(lineEnd - 1)])
        let headers = try HeaderFields(parsing: bytes[(lineEnd + 1)...], limits: limits)
        try Self.checkHost(headers, target: line.target, version: line.version)
        try Self.checkAtMostOne("content-type", headers)
        method = line.method
        target = line.target
        version = line.version
        framing = try Self.framing(headers, version: line.version, limits: limits)
        expectsContinue = try Self.expectsContinue(headers, version: line.version)
        keepsAlive =
            line.version == .http11
            ? !headers.listContains("connection", "close") : headers.listContains("connection", "keep-alive")
        self.headers = headers
    }

    /// Checks a head that came by HTTP/2, whose parts the session has told apart.
    ///
    /// - Parameters:
    ///   - method: The field `:method`.
    ///   - target: The field `:path`, or `:authority` for CONNECT.
    ///   - headers: The other fields. What `:authority` says is among them as `host`.
    ///   - endsStream: Whether no body follows.
    ///   - limits: The limits of the body.
    /// - Throws: ``HTTPError``.
    /// - Source: RFC 9113, section 8.3.
    package init(
        method: [UInt8], target: [UInt8], headers: HeaderFields, endsStream: Bool, limits: HTTPLimits
    ) throws(HTTPError) {
        guard !method.isEmpty, method.allSatisfy(ASCII.isToken), !target.isEmpty else { throw .malformedRequestLine }
        if target.count > limits.maxRequestLineBytes { throw .requestLineTooLong(limit: limits.maxRequestLineBytes) }
        self.method = ByteText(decoding: method)
        self.target = try RequestTarget(target[...], method: self.method)
        version = .http2
        try Self.checkHost(headers, target: self.target, version: .http2)
        try Self.checkAtMostOne("content-type", headers)
        if headers.count(of: "transfer-encoding") > 0 { throw .invalidHeader(name: "transfer-encoding") }
        // The position in the stream of bytes is not lost: whoever admits the request refuses a body that is too large, in the
        // form of the request's protocol.
        var unlimited = limits
        unlimited.maxBodyBytes = .max
        let framing = try Self.framing(headers, version: .http2, limits: unlimited)
        // Without a length, the body's end is that of the stream.
        self.framing = headers.count(of: "content-length") > 0 || endsStream ? framing : .chunked
        expectsContinue = endsStream ? false : try Self.expectsContinue(headers, version: .http2)
        keepsAlive = true
        self.headers = headers
    }

    private static func checkAtMostOne(_ name: ByteText, _ headers: HeaderFields) throws(HTTPError) {
        let count = headers.count(of: name)
        if count > 1 { throw .headerCount(name: name.description, count: count) }
    }

    private static func checkHost(
        _ headers: HeaderFields, target: RequestTarget, version: Version
    ) throws(HTTPError) {
        let count = headers.count(of: "host")
        guard count == 1 || count == 0 && version == .http10 else {
            throw .headerCount(name: "host", count: count)
        }
        guard let host = headers["host"] else { return }
        guard !host.isEmpty, host.utf8.allSatisfy({ ASCII.isVisible($0) && !",/@?#\\<>\"".utf8.contains($0) }) else {
            throw .invalidHeader(name: "host")
        }
        if let authority = target.authority, authority.lowercased != host.lowercased {
            throw .invalidHeader(name: "host")
        }
    }

    private static func framing(
        _ headers: HeaderFields, version: Version, limits: HTTPLimits
    ) throws(HTTPError) -> Framing {
        let codings = headers.count(of: "transfer-encoding")
        let lengths = headers.count(of: "content-length")
        if codings > 0 {
            if lengths > 0 { throw .ambiguousFraming }
            if version == .http10 { throw .invalidHeader(name: "transfer-encoding") }
            let list = headers.list("transfer-encoding").map(\.lowercased)
            if list == ["chunked"] { return .chunked }
            if list.isEmpty || list.contains("") || list.dropLast().contains("chunked") {
                throw .invalidHeader(name: "transfer-encoding")
            }
            throw .unsupportedTransferCoding
        }
        if lengths > 1 { throw .headerCount(name: "content-length", count: lengths) }
        guard let text = headers["content-length"] else { return .length(0) }
        guard let length = text.number(maxDigits: 19) else { throw .invalidHeader(name: "content-length") }
        if length > limits.maxBodyBytes { throw .bodyTooLarge(limit: limits.maxBodyBytes) }
        return .length(length)
    }

    private static func expectsContinue(_ headers: HeaderFields, version: Version) throws(HTTPError) -> Bool {
        guard let expectation = headers["expect"], version != .http10 else { return false }
        if !expectation.equals(ignoringCase: "100-continue") || headers.count(of: "expect") > 1 {
            throw .unsupportedExpectation
        }
        return true
    }
}
