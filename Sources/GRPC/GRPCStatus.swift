// SPDX-License-Identifier: MIT

import HTTP
import Text

/// How a call ended.
///
/// - Source: grpc.github.io/grpc/core/md_doc_statuscodes.html.
package struct GRPCStatus: Equatable, Sendable {
    /// What gRPC knows as ends.
    package enum Code: Int, CaseIterable, Sendable {
        case ok, cancelled, unknown, invalidArgument, deadlineExceeded, notFound, alreadyExists, permissionDenied
        case resourceExhausted, failedPrecondition, aborted, outOfRange, unimplemented, internalError, unavailable
        case dataLoss, unauthenticated

        /// The name in gRPC's documents: `INVALID_ARGUMENT`.
        package var name: String {
            switch self {
            case .ok: "OK"
            case .cancelled: "CANCELLED"
            case .unknown: "UNKNOWN"
            case .invalidArgument: "INVALID_ARGUMENT"
            case .deadlineExceeded: "DEADLINE_EXCEEDED"
            case .notFound: "NOT_FOUND"
            case .alreadyExists: "ALREADY_EXISTS"
            case .permissionDenied: "PERMISSION_DENIED"
            case .resourceExhausted: "RESOURCE_EXHAUSTED"
            case .failedPrecondition: "FAILED_PRECONDITION"
            case .aborted: "ABORTED"
            case .outOfRange: "OUT_OF_RANGE"
            case .unimplemented: "UNIMPLEMENTED"
            case .internalError: "INTERNAL"
            case .unavailable: "UNAVAILABLE"
            case .dataLoss: "DATA_LOSS"
            case .unauthenticated: "UNAUTHENTICATED"
            }
        }

        /// The code for an error that HTTP has a status for: the second column of the one table of errors, whose first is
        /// `ErrorResponse`.
        package init(_ status: HTTPStatus) {
            switch status.code {
            case 200...299: self = .ok
            case 401: self = .unauthenticated
            case 403: self = .permissionDenied
            case 404: self = .notFound
            case 405, 501, 505: self = .unimplemented
            case 408, 504: self = .deadlineExceeded
            case 409: self = .aborted
            case 413, 414, 429, 431: self = .resourceExhausted
            case 400...499: self = .invalidArgument
            case 503: self = .unavailable
            default: self = .internalError
            }
        }
    }

    /// How it ended.
    package let code: Code
    /// A sentence for the client.
    package let message: String

    package init(_ code: Code, _ message: String = "") {
        self.code = code
        self.message = message
    }

    package static let ok = GRPCStatus(.ok)

    /// The message as it stands in `grpc-message`: what is not printable ASCII, and the percent sign, as `%XX` of its UTF-8.
    package var encodedMessage: String {
        let isPlain = message.utf8.allSatisfy { ASCII.isPrintable($0) && $0 != ASCII.percent }
        if isPlain { return message }
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in message.utf8 {
            if ASCII.isPrintable(byte) && byte != ASCII.percent {
                bytes.append(byte)
            } else {
                bytes += [ASCII.percent, digits[Int(byte >> 4)], digits[Int(byte & 0xF)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
