// SPDX-License-Identifier: MIT

import HTTP
import Protocols
import Serving
import SystemCalls

/// Two models whose answers can be foreseen: a digit is the first pixel's value modulo 10, logits are the row's sum.
struct StubService: InferenceService {
    /// How long each run takes.
    var milliseconds = 0

    let models = [
        ServedModel(
            name: "digits", version: "2", architecture: "stub", task: .digits,
            inputShape: [1, 2, 2], labels: (0..<10).map(String.init)),
        ServedModel(
            name: "turns", version: "1", architecture: "stub", task: .rotation,
            inputShape: [3, 2, 2], labels: ["0", "90", "180", "270"]),
    ]

    func makeRunner() throws -> any InferenceRunner { StubRunner(milliseconds: milliseconds) }
}

final class StubRunner: InferenceRunner {
    private let milliseconds: Int

    init(milliseconds: Int = 0) {
        self.milliseconds = milliseconds
    }

    func classify(model: Int, images: [[UInt8]]) throws -> [Result<Classification, any Error>] {
        SystemClock.sleep(milliseconds: milliseconds)
        return images.map { image in
            if image == Array("broken".utf8) { return .failure(InferenceRefusal.unusableImage("it is broken")) }
            if image == Array("text".utf8) { return .failure(InferenceRefusal.notAnImage("it is text")) }
            return .success(answer(Int(image.first ?? 0), model))
        }
    }

    func classify(model: Int, pixels: [UInt8]) throws -> [Classification] {
        SystemClock.sleep(milliseconds: milliseconds)
        return stride(from: 0, to: pixels.count, by: 4).map { answer(Int(pixels[$0]), model) }
    }

    private func answer(_ value: Int, _ model: Int) -> Classification {
        let classes = model == 0 ? 10 : 4
        let index = value % classes
        return Classification(
            classIndex: index, scores: (0..<classes).map { $0 == index ? 0.75 : 0.25 / Float(classes - 1) },
            exifDegrees: model == 0 ? 0 : 90)
    }

    func run(model: Int, rows: Int, input: [Float]) throws -> [Float] {
        let rowCount = input.count / rows
        return (0..<rows).flatMap { row -> [Float] in
            let sum = input[(row * rowCount)..<((row + 1) * rowCount)].reduce(0, +)
            return [sum, -sum] + Array(repeating: 0, count: model == 0 ? 8 : 2)
        }
    }

    func upright(model: Int, image: [UInt8]) throws -> (bytes: [UInt8], mediaType: String, Classification) {
        (image.reversed(), "image/png", answer(Int(image.first ?? 0), model))
    }
}

extension API {
    /// Answers a request as the server would, without a socket.
    func answer(
        _ method: String, _ path: String, headers: [String] = [], body: [UInt8] = []
    ) throws -> Response {
        let lines = ["\(method) \(path) HTTP/1.1", "Host: a", "Content-Length: \(body.count)"] + headers
        let head = try RequestHead(
            parsing: Array((lines.joined(separator: "\r\n") + "\r\n").utf8), limits: HTTPLimits())
        let (_, refusal) = admit(head)
        if let refusal { return refusal }
        switch handle(Request(head: head, body: body)) {
        case .answer(let response): return response
        case .command(let command): return Response(.ok, body: Array("\(command)".utf8))
        case .work(let work):
            do {
                return try work(StubRunner())
            } catch {
                return ErrorResponse.response(for: error)
            }
        }
    }

    /// The same for a body of text.
    func answer(_ method: String, _ path: String, headers: [String] = [], text: String) throws -> Response {
        try answer(method, path, headers: headers, body: Array(text.utf8))
    }

    /// An API over the stub's models.
    static func stub(_ change: (inout API.Policy) -> Void = { _ in }) throws -> API {
        var policy = API.Policy()
        change(&policy)
        let fleet = try FleetStatistics()
        fleet[.slotsInUse] = 1
        return API(
            models: StubService().models, statistics: WorkerStatistics(fleet: fleet, slot: 0), policy: policy)
    }
}

extension Response {
    /// The body as text.
    var text: String { String(decoding: body, as: UTF8.self) }

    /// The value of a header.
    func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}
