// SPDX-License-Identifier: MIT

import API
import HTTP
import Protocols
import StubModels
import SystemCalls
import Testing
import Transport

extension API {
    /// Answers a request as the server would, without a socket.
    func answer(
        _ method: String, _ path: String, host: String = "a", from peer: Peer = .here, headers: [String] = [],
        body: [UInt8] = []
    ) throws -> Response {
        let lines = ["\(method) \(path) HTTP/1.1", "Host: \(host)", "Content-Length: \(body.count)"] + headers
        let head = try RequestHead(
            parsing: Array((lines.joined(separator: "\r\n") + "\r\n").utf8), limits: HTTPLimits())
        let handling: Handling
        switch admit(head, from: peer).1 {
        case .refused(let response): return response
        case .admitted(let limit, _, let handle):
            #expect(body.count <= limit, "the event loop reads no such body")
            handling = handle(Request(head: head, body: body))
        case .messages(let stream): handling = stream.handle(body)
        }
        switch handling {
        case .answer(let response): return response
        case .command(let command):
            return rendered(Response(.ok, body: Array("\(command)".utf8)), for: head)
        case .work(let work):
            do {
                let runner = StubRunner()
                return try work(runner).response(from: runner)
            } catch {
                return ErrorResponse.response(for: error)
            }
        }
    }

    /// How large a body of such a request may be; nil if it is refused.
    func admittedBodyBytes(_ method: String, _ path: String) throws -> Int? {
        let head = try RequestHead(
            parsing: Array("\(method) \(path) HTTP/1.1\r\nHost: a\r\n".utf8), limits: HTTPLimits())
        guard case .admitted(let limit, _, _) = admit(head, from: .here).1 else { return nil }
        return limit
    }

    /// The same for a body of text.
    func answer(
        _ method: String, _ path: String, host: String = "a", headers: [String] = [], text: String
    ) throws -> Response {
        try answer(method, path, host: host, headers: headers, body: Array(text.utf8))
    }

    /// An API over the stub's models.
    ///
    /// - Parameter precision: What these are said to be lowered to.
    static func stub(precision: String? = nil, _ change: (inout API.Policy) -> Void = { _ in }) throws -> API {
        let models = StubService().models.map { model in
            ServedModel(
                name: model.name, version: model.version, architecture: model.architecture, task: model.task,
                inputShape: Array(model.input.shape.dropFirst()), labels: model.labels, loweredPrecision: precision)
        }
        var policy = API.Policy()
        change(&policy)
        let fleet = try FleetStatistics()
        fleet[.slotsInUse] = 1
        return API(
            models: models, statistics: WorkerStatistics(fleet: fleet, slot: 0), policy: policy)
    }
}

extension Peer {
    /// A client on this machine, and one elsewhere.
    static let here = Peer(address: IPAddress("127.0.0.1"), isLocal: true)
    static let elsewhere = Peer(address: IPAddress("192.0.2.7"), isLocal: false)
}

extension Response {
    /// The body as text.
    var text: String { String(decoding: body, as: UTF8.self) }

    /// The value of a header.
    func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}
