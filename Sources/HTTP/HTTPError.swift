// SPDX-License-Identifier: MIT

/// A request that breaks the rules of the wire format or a limit.
///
/// After any of these the position in the stream of bytes is lost: answer once, with ``status``, and close.
public enum HTTPError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The request line is not "method target version" with single spaces.
    case malformedRequestLine
    /// A response does not begin with "HTTP/1.1 status".
    case malformedStatusLine
    /// The version on the request line is neither HTTP/1.0 nor HTTP/1.1.
    case unsupportedVersion
    /// The target is of no form that its method allows, or holds bytes that a URI can't.
    case invalidTarget
    /// A line feed without the carriage return before it.
    case bareLineFeed
    /// More than one empty line before a request.
    case emptyLinesBeforeRequest
    /// A header line without a name, without a colon, folded, or with bytes that a name or value can't hold.
    case malformedHeader(name: String)
    /// A header that must appear once was missing or repeated.
    case headerCount(name: String, count: Int)
    /// A value that this header can't have.
    case invalidHeader(name: String)
    /// Both Content-Length and Transfer-Encoding.
    case ambiguousFraming
    /// A transfer coding other than chunked.
    case unsupportedTransferCoding
    /// An Expect header other than 100-continue.
    case unsupportedExpectation
    /// A chunk's size, its line ends or its extensions are malformed.
    case malformedChunk
    /// More chunks than the limit.
    case tooManyChunks(limit: Int)
    /// A request line above the limit.
    case requestLineTooLong(limit: Int)
    /// A header block or trailer section above the limit.
    case headersTooLarge(limit: Int)
    /// More header fields than the limit.
    case tooManyHeaders(limit: Int)
    /// A body above the limit.
    case bodyTooLarge(limit: Int)
    /// A form that its Content-Type does not describe or that breaks off.
    case malformedForm(String)

    /// What to answer.
    package var status: HTTPStatus {
        switch self {
        case .unsupportedVersion: .versionNotSupported
        case .unsupportedTransferCoding: .notImplemented
        case .unsupportedExpectation: .expectationFailed
        case .requestLineTooLong: .uriTooLong
        case .headersTooLarge, .tooManyHeaders: .headerFieldsTooLarge
        case .bodyTooLarge: .contentTooLarge
        default: .badRequest
        }
    }

    /// A sentence for the client.
    public var description: String {
        switch self {
        case .malformedStatusLine: "the answer does not begin with a status line of HTTP/1.1"
        case .malformedRequestLine: "the request line must be a method, a target and a version, with one space between"
        case .unsupportedVersion: "this server speaks HTTP/1.1 and HTTP/1.0"
        case .invalidTarget: "the request target is malformed"
        case .bareLineFeed: "lines must end with a carriage return and a line feed"
        case .emptyLinesBeforeRequest: "more than one empty line came before the request"
        case .malformedHeader(let name): "a header line is malformed: '\(name)'"
        case .headerCount(let name, let count): "expected one '\(name)' header, got \(count)"
        case .invalidHeader(let name): "the value of '\(name)' is invalid"
        case .ambiguousFraming: "a request must not carry both Content-Length and Transfer-Encoding"
        case .unsupportedTransferCoding: "the only transfer coding this server knows is chunked"
        case .unsupportedExpectation: "the only expectation this server knows is 100-continue"
        case .malformedChunk: "the chunked body is malformed"
        case .tooManyChunks(let limit): "the body has more than \(limit) chunks"
        case .requestLineTooLong(let limit): "the request line is longer than \(limit) bytes"
        case .headersTooLarge(let limit): "the header fields are larger than \(limit) bytes"
        case .tooManyHeaders(let limit): "the request has more than \(limit) header fields"
        case .bodyTooLarge(let limit): "the body is larger than \(limit) bytes"
        case .malformedForm(let problem): "the multipart form is malformed: \(problem)"
        }
    }
}
