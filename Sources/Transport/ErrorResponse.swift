// SPDX-License-Identifier: MIT

import HTTP
import JSON
import Protobuf
import Protocols

/// The one table from what went wrong to what the client is told. Bodies are `{"error":"..."}`, which the clients of
/// TensorFlow Serving and of the Open Inference Protocol both read. Clients of gRPC are told the status that `GRPCStatus` has
/// for that of HTTP.
package enum ErrorResponse {
    /// The response for any error. One that is not the client's fault is told in general words.
    package static func response(for error: any Error) -> Response {
        switch error {
        case let error as RequestRefusal: make(error.status, error.message)
        case let error as HTTPError: make(error.status, error.description)
        case let error as JSONError: make(.badRequest, error.description)
        case let error as ProtobufError: make(.badRequest, error.description)
        case let error as InferenceRefusal: response(for: error)
        default: make(.internalServerError, "the server failed to answer this request")
        }
    }

    private static func response(for error: InferenceRefusal) -> Response {
        switch error {
        case .notAnImage(let message): make(.unsupportedMediaType, message)
        case .unusableImage(let message): make(.unprocessableContent, message)
        case .tooLarge(let message): make(.contentTooLarge, message)
        case .noMemory(let message): make(.serviceUnavailable, message)
        case .unwanted: make(.gatewayTimeout, "the answer took too long")
        }
    }

    /// An error of the given status.
    package static func make(_ status: HTTPStatus, _ message: String) -> Response {
        var response = Response(
            status, contentType: "application/json", body: (["error": .string(message)] as JSONValue).bytes())
        response.problem = message
        return response
    }

    /// The refusal of a body above its route's limit.
    static func tooLarge(_ limit: Int) -> Response {
        make(.contentTooLarge, "this request takes a body of at most \(limit) bytes")
    }

    /// A refusal that invites the client to come back.
    static func overloaded(_ message: String, _ queue: WorkQueue) -> Response {
        var response = make(.serviceUnavailable, message)
        response.add("Retry-After", String(queue.secondsUntilRoom))
        return response
    }
}
