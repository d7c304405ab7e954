// SPDX-License-Identifier: MIT

import GRPC
import HTTP
import Protocols
import Text
import Transport

/// Calls of gRPC and gRPC-Web: which method is meant, and its answer in their form.
extension API {
    package func rendered(_ response: Response, for head: RequestHead) -> Response {
        guard let wire = GRPCWire(head.headers) else { return response }
        return wire.rendered(response)
    }

    /// What is to be done with a request to a method's path that may be made.
    func admit(_ method: GRPCMethod, _ head: RequestHead) -> Admission {
        guard let wire = GRPCWire(head.headers) else {
            return .refused(
                ErrorResponse.make(
                    .unsupportedMediaType,
                    "expected the Content-Type application/grpc over HTTP/2, or application/grpc-web+proto"))
        }
        let call: GRPCCall
        do {
            call = try GRPCCall(head, wire)
        } catch {
            return .refused(ErrorResponse.response(for: error))
        }
        // As in REST: what is answered on the event loop must be quick.
        let limit = method.isAnsweredOnEventLoop ? Self.maxEventLoopBodyBytes : policy.maxBodyBytes
        if method == .healthWatch, wire == .http2 {
            return .messages(
                MessageStream(
                    maxMessageBytes: limit, response: wire.response([]),
                    farewell: {
                        wire.response(
                            [HealthCheck.response(.notServing)], GRPCStatus(.unavailable, "the server is ending"))
                    },
                    handle: { message in
                        handling(call) {
                            .answer(call.wire.part([try health(method, call.message(in: message, maxBytes: limit))]))
                        }
                    }))
        }
        if method.takesStream, wire == .http2 {
            return .messages(
                MessageStream(maxMessageBytes: limit, response: wire.response([])) { message in
                    handling(call) { try handle(streamed: method, call, message, limit, answer: wire.part) }
                })
        }
        return .admitted(maxBodyBytes: limit, timeoutNanoseconds: call.timeoutNanoseconds) { request in
            handling(call) { try handle(method, call, request.body, limit) }
        }
    }

    /// Gives errors the form of the call, wherever they are thrown.
    private func handling(_ call: GRPCCall, _ body: () throws -> Handling) -> Handling {
        do {
            let handling = try body()
            guard case .work(let work) = handling else { return handling }
            return .work { runner in
                do {
                    return try work(runner).catching { call.wire.rendered(ErrorResponse.response(for: $0)) }
                } catch {
                    return .answer(call.wire.rendered(ErrorResponse.response(for: error)))
                }
            }
        } catch {
            return .answer(call.wire.rendered(ErrorResponse.response(for: error)))
        }
    }

    private func handle(_ method: GRPCMethod, _ call: GRPCCall, _ body: [UInt8], _ maxBytes: Int) throws -> Handling {
        if method.takesStream {
            return try handle(streamed: method, call, body, maxBytes) { call.wire.response($0) }
        }
        let message = try call.message(in: body, maxBytes: maxBytes)
        switch method.label {
        case .grpcPhoto: return try handlePhoto(method, call, message)
        case .grpcHealth: return .answer(call.wire.response([try health(method, message)]))
        default: return try handleInference(method, call, message)
        }
    }

    /// Answers messages of a stream: one at a time over HTTP/2, all that a body holds over gRPC-Web.
    private func handle(
        streamed method: GRPCMethod, _ call: GRPCCall, _ body: [UInt8], _ maxBytes: Int,
        answer: @escaping @Sendable ([[UInt8]]) -> Response
    ) throws -> Handling {
        let messages = try call.messages(in: body, maxBytes: maxBytes)
        guard method == .modelStreamInfer else {
            return .answer(
                answer(try messages.map { try ServerReflection.answer($0, services: GRPCMethod.services) }))
        }
        return .alone { runner in answer(try messages.map { try streamedInfer($0, runner) }) }
    }

    // MARK: grpc.health.v1

    private func health(_ method: GRPCMethod, _ message: ArraySlice<UInt8>) throws -> [UInt8] {
        let status = statistics.fleet[.isDraining] == 0 ? HealthCheck.ServingStatus.serving : .notServing
        if method == .healthList { return HealthCheck.list([""] + GRPCMethod.services, status) }
        let service = try HealthCheck.service(of: message)
        let isKnown = service.isEmpty || GRPCMethod.services.contains { ByteText($0) == service }
        if method == .healthWatch { return HealthCheck.response(isKnown ? status : .serviceUnknown) }
        guard isKnown else { throw RequestRefusal(.notFound, "there is no service '\(service)'") }
        return HealthCheck.response(status)
    }
}
