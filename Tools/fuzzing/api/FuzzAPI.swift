// SPDX-License-Identifier: MIT

import API
import HTTP
import JSON
import Protocols
import SystemCalls
import Text
import Transport

private let models = [
    ServedModel(
        name: "grey", version: "1", architecture: "a", task: .digits, inputShape: [1, 2, 2], labels: ["1", "2", "3"]),
    ServedModel(
        name: "turns", version: "1", architecture: "a", task: .rotation, inputShape: [3, 1, 2],
        labels: ["0", "90", "180", "270"]),
]

/// Answers at once; what it says depends on the input's first byte.
private final class Runner: InferenceRunner {
    var interest = WorkInterest()

    func giveBackMemory() {}

    func fastestBatch(model: Int) -> Int { 1 }

    func nanosecondsPerRow(model: Int) -> UInt64 { 1000 }

    private func answer(_ byte: UInt8, _ model: Int) -> Classification {
        let count = models[model].labels.count
        return Classification(
            classIndex: Int(byte) % count, scores: Array(repeating: 1 / Float(count), count: count),
            exifDegrees: 90)
    }

    func classify(
        model: Int, images: [[UInt8]], views: RequestedViews
    ) throws -> [Result<Classification, any Error>] {
        images.map { image in
            image.first == 0 ? .failure(InferenceRefusal.notAnImage("no image")) : .success(answer(image[0], model))
        }
    }

    func classify(model: Int, pixels: [UInt8]) throws -> [Classification] {
        stride(from: 0, to: pixels.count, by: models[model].input.rowCount).map { answer(pixels[$0], model) }
    }

    /// The numbers themselves, so that large ones become infinities, and NaN stays NaN.
    func run(model: Int, rows: Int, input: [Float]) throws -> [Float] {
        let count = models[model].labels.count
        return (0..<(rows * count)).map { input[$0 % input.count] * 4 }
    }

    func prepared(model: Int, image: [UInt8]) throws -> [UInt8] { image }

    func upright(
        model: Int, image: [UInt8], views: RequestedViews
    ) throws -> (bytes: [UInt8], mediaType: String, Classification) {
        (image, "image/png", answer(image[0], model))
    }
}

private func api(_ change: (inout API.Policy) -> Void) -> API {
    guard let fleet = try? FleetStatistics() else { preconditionFailure("no memory for the statistics") }
    fleet[.slotsInUse] = 1
    var policy = API.Policy()
    policy.maxBatch = 4
    policy.maxBodyBytes = 100_000
    change(&policy)
    return API(models: models, statistics: WorkerStatistics(fleet: fleet, slot: 0), policy: policy)
}

private let open = api { $0.allowsAdministration = true }
private let closed = api { policy in
    policy.keys = try? APIKeys(Array("0123456789abcdef predict\nfedcba9876543210 metrics,admin\n".utf8))
    policy.sites.allowedHosts = [".example.org"]
    policy.sites.allowedOrigins = ["https://app.example.org"]
}
private let formats = ["text", "json", #"%(h)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s" %({x-request-id}i)s %(q)s"#]
    .compactMap { AccessLogFormat($0) }
private let proxies = TrustedProxies("10.0.0.0/8,127.0.0.1,2001:db8::/32")

/// Answers the input's requests as a server would, the first byte says which, and looks at each answer and its line in the log.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzAPI(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard count > 1, let start else { return 0 }
    let server = start[0] & 1 == 0 ? open : closed
    let peer = Peer(
        address: start[0] & 2 == 0 ? nil : IPAddress(start[0] & 4 == 0 ? "10.0.0.9" : "192.0.2.1"),
        isLocal: start[0] & 8 == 0)
    var parser = RequestParser(limits: HTTPLimits())
    parser.append(UnsafeRawBufferPointer(start: start + 1, count: count - 1))
    var head: RequestHead?
    while let event = try? parser.next() {
        switch event {
        case .head(let next): head = next
        case .body(let body): if let head { check(server, peer, head, body) }
        }
    }
    return 0
}

private func check(_ server: API, _ peer: Peer, _ head: RequestHead, _ body: [UInt8]) {
    // A constant, in whose parts the leak sanitizer does not find its pointers.
    if head.target.segments == ["openapi.json"] { return }
    var response = answer(server, peer, head, body)
    checkSites(server, peer, head, response)
    checkBody(head, response)
    for header in server.headers(for: head) { response.add(header.name, header.value) }
    if let trace = TraceContext(head.headers) { response.add("traceparent", trace.text) }
    var wire: [UInt8] = []
    response.encode(
        into: &wire, isHead: false, keepsAlive: true, version: .http11, date: "Thu, 26 Nov 2026 00:20:07 GMT")
    let lines = wire.dropLast(response.body.count).split(separator: 0x0A).count
    precondition(lines == response.headers.count + 4, "a header field has become two")
    checkLog(peer, head, response)
}

private func answer(_ server: API, _ peer: Peer, _ head: RequestHead, _ body: [UInt8]) -> Response {
    let handling: Handling
    switch server.admit(head, from: peer).1 {
    case .refused(let response): return response
    case .messages(let stream): handling = stream.handle(body)
    case .admitted(let limit, _, let handle):
        if body.count > limit { return ErrorResponse.make(.contentTooLarge, "the body is larger than \(limit) bytes") }
        handling = handle(Request(head: head, body: body))
    }
    switch handling {
    case .answer(let response): return response
    case .command: return server.rendered(Response(.ok), for: head)
    case .work(let work):
        do {
            let runner = Runner()
            return try work(runner).response(from: runner)
        } catch {
            return ErrorResponse.response(for: error)
        }
    }
}

/// A name with 'evil' in it is nobody's here: it gets probes, and nothing else.
private func checkSites(_ server: API, _ peer: Peer, _ head: RequestHead, _ response: Response) {
    guard response.status == .ok, head.target.path != "*" else { return }
    let first = head.target.segments.first?.string ?? ""
    let isProbe =
        [[], ["healthz"], ["v2", "health", "live"], ["v2", "health", "ready"]].contains(head.target.segments)
        || first.hasPrefix("grpc.") || ["ServerLive", "ServerReady"].contains(head.target.segments.last)
        || response.grpcStatus.map { $0 != 0 } ?? false
    // Whatever stands before '.localhost', it is this machine; all names below example.org are allowed.
    func isEvil(_ text: ByteText?) -> Bool {
        guard let name = text?.lowercased.string else { return false }
        return name.contains("evil.") && !name.contains(".localhost") && !name.contains(".example.org")
    }
    let hostCounts = peer.isLocal || server === closed
    precondition(isProbe || !hostCounts || !isEvil(head.headers["host"]), "another's name is answered")
    precondition(isProbe || !hostCounts || !isEvil(head.headers["origin"]), "another's page is answered")
}

private func === (left: API, right: API) -> Bool { left.statistics.fleet === right.statistics.fleet }

/// JSON is JSON but in `/v1`, and an error is short.
private func checkBody(_ head: RequestHead, _ response: Response) {
    let isJSON = response.headers.contains { $0.name == "Content-Type" && $0.value == "application/json" }
    guard isJSON else { return }
    if response.status != .ok || head.target.segments.first != "v1" {
        guard let value = try? JSONValue(parsing: response.body) else {
            preconditionFailure("an answer that is no JSON")
        }
        if response.status != .ok {
            precondition(response.body.count < 2048, "an error that is long")
            precondition(value["error"]?.string?.isEmpty == false, "an error that says nothing")
        }
    }
}

/// A line is one line, and JSON where it should be.
private func checkLog(_ peer: Peer, _ head: RequestHead, _ response: Response) {
    let entry = AccessLog.Entry(
        date: "Thu, 26 Nov 2026 00:20:07 GMT", id: "a-1", client: proxies?.client(of: peer, head.headers), head: head,
        trace: TraceContext(head.headers)?.text, status: response.status.code, headers: response.headers,
        byteCount: response.body.count, nanoseconds: 1000)
    for format in formats {
        let line = format.line(entry)
        precondition(line.count < 40_000 && line.allSatisfy { $0 >= 0x20 }, "a line that is not one")
        if format == .json { precondition((try? JSONValue(parsing: line)) != nil, "a line that is no JSON") }
    }
}
