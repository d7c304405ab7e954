// SPDX-License-Identifier: MIT

import GRPC
import HTTP
import Protocols
import Text

private let models = [
    ServedModel(
        name: "grey", version: "1", architecture: "a", task: .digits, inputShape: [1, 2, 2], labels: ["1", "2", "3"]),
    ServedModel(
        name: "turns", version: "1", architecture: "a", task: .rotation, inputShape: [3, 1, 2],
        labels: ["0", "90", "180", "270"]),
]
private let maxBytes = 100_000
private let maxRows = 4

/// The call that a request with these headers makes.
private func call(_ lines: [String]) -> GRPCCall? {
    let text = (["POST /a/b HTTP/1.1", "Host: a", "Content-Type: application/grpc-web"] + lines).map { $0 + "\r\n" }
    guard let head = try? RequestHead(parsing: Array(text.joined().utf8), limits: HTTPLimits()),
        let wire = GRPCWire(head.headers)
    else { return nil }
    return try? GRPCCall(head, wire)
}

private let plain = call([])
private let gzip = call(["grpc-encoding: gzip"])

/// Reads the input as a body of frames, or as one of the messages: the first byte says which.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzGRPC(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard count > 1, let start else { return 0 }
    let bytes = Array(UnsafeBufferPointer(start: start + 1, count: count - 1))
    switch start[0] % 6 {
    case 0:
        guard let frames = try? gzip?.messages(in: bytes, maxBytes: maxBytes) else { return 0 }
        precondition(frames.reduce(0) { $0 + $1.count } <= max(maxBytes, bytes.count), "more than the limit")
    case 1:
        guard let message = try? plain?.message(in: bytes, maxBytes: maxBytes) else { return 0 }
        infer(message)
    case 2: infer(bytes[...])
    case 3:
        guard let image = try? PhotoMessages.image(of: bytes[...]) else { return 0 }
        precondition(image.count <= bytes.count, "an image larger than its message")
        _ = try? PhotoMessages.path(of: bytes[...])
        _ = try? PhotoMessages.version(of: bytes[...])
    case 4: _ = try? ServerReflection.answer(bytes[...], services: ["a.B"])
    default:
        _ = try? HealthCheck.service(of: bytes[...])
        _ = call(["grpc-timeout: " + String(decoding: bytes.filter { $0 > 0x20 && $0 < 0x7F }, as: UTF8.self)])
        let encoded = GRPCStatus(.unknown, String(decoding: bytes, as: UTF8.self)).encodedMessage
        precondition(encoded.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }, "a message that a header can't hold")
    }
    return 0
}

/// Answers what a model can be asked.
private func infer(_ message: ArraySlice<UInt8>) {
    guard let call = try? ModelInferMessage(message, maxRows: maxRows) else { return }
    for model in models {
        guard let request = try? call.request(to: model, maxRows: maxRows) else { continue }
        precondition((1...maxRows).contains(request.input.count), "more rows than the limit")
        if case .rows(let values, let count) = request.input {
            precondition(values.count == count * model.input.rowCount, "rows that are no rows")
        }
        let numbers = [Float](repeating: 0.5, count: request.input.count * request.rowCount)
        _ = try? OpenInferenceAnswer.message(to: request, numbers: numbers, model: model)
    }
}
