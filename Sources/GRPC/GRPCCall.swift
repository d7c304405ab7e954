// SPDX-License-Identifier: MIT

import HTTP
import Protocols
import Text

/// A call as its request's headers describe it.
package struct GRPCCall: Sendable {
    /// How it comes and is answered.
    package let wire: GRPCWire
    /// The time that the client gives it; nil for any.
    package let timeoutNanoseconds: UInt64?
    /// Whether the encoding named by the headers compresses messages that say so.
    private let isCompressing: Bool

    /// Reads a request's headers.
    ///
    /// - Throws: ``RequestRefusal``: 400 for a malformed timeout, 501 for an encoding that is not known, 415 for gRPC over
    ///   HTTP/1.
    package init(_ head: RequestHead, _ wire: GRPCWire) throws {
        guard wire == .web || head.version == .http2 else {
            throw RequestRefusal(.unsupportedMediaType, "gRPC wants HTTP/2; over HTTP/1.1 there is gRPC-Web")
        }
        self.wire = wire
        timeoutNanoseconds = try head.headers["grpc-timeout"].map(Self.nanoseconds)
        switch head.headers["grpc-encoding"]?.lowercased {
        case nil, "identity": isCompressing = false
        case "gzip", "deflate": isCompressing = true
        case let encoding?:
            throw RequestRefusal(
                .notImplemented, "messages encoded as '\(encoding)' are not read; gzip and deflate are")
        }
    }

    /// A year: nobody waits for the centuries that a header can name.
    private static let longestTimeout: UInt64 = 31_536_000_000_000_000

    /// One to eight digits and a unit.
    ///
    /// - Source: grpc.github.io, "gRPC over HTTP2", Timeout.
    private static func nanoseconds(_ text: ByteText) throws -> UInt64 {
        let bytes = Array(text.utf8)
        let unit: UInt64? =
            switch bytes.last {
            case UInt8(ascii: "H"): 3_600_000_000_000
            case UInt8(ascii: "M"): 60_000_000_000
            case UInt8(ascii: "S"): 1_000_000_000
            case UInt8(ascii: "m"): 1_000_000
            case UInt8(ascii: "u"): 1000
            case UInt8(ascii: "n"): 1
            default: nil
            }
        guard let unit, let value = ByteText(decoding: bytes.dropLast()).number(maxDigits: 8) else {
            throw RequestRefusal(
                .badRequest, "grpc-timeout is '\(text)'; expected up to eight digits and one of H, M, S, m, u, n")
        }
        let (nanoseconds, isTooLong) = UInt64(value).multipliedReportingOverflow(by: unit)
        return isTooLong ? longestTimeout : min(nanoseconds, longestTimeout)
    }

    /// The one message of a request that has one.
    ///
    /// - Parameters:
    ///   - body: The message in its frame.
    ///   - maxBytes: The limit of its decompressed size.
    /// - Throws: ``RequestRefusal``.
    package func message(in body: [UInt8], maxBytes: Int) throws -> ArraySlice<UInt8> {
        let messages = try messages(in: body, maxBytes: maxBytes)
        guard messages.count == 1 else {
            throw RequestRefusal(.badRequest, "expected one message, got \(messages.count)")
        }
        return messages[0]
    }

    /// All messages of a request.
    ///
    /// - Parameter maxBytes: The limit of their decompressed size together.
    /// - Throws: ``RequestRefusal``.
    package func messages(in body: [UInt8], maxBytes: Int) throws -> [ArraySlice<UInt8>] {
        var room = maxBytes
        return try GRPCFrame.split(body).map { isCompressed, message in
            guard isCompressed else {
                room -= message.count
                return message
            }
            guard isCompressing else {
                throw RequestRefusal(.badRequest, "a message is compressed, but grpc-encoding does not say how")
            }
            let inflated = try RequestBody.inflated(Array(message), maxBytes: max(room, 0))
            room -= inflated.count
            return inflated[...]
        }
    }
}
