// SPDX-License-Identifier: MIT

import GRPC
import HTTP
import JSON
import Protocols
import Text
import Transport

/// The server's answers: finds the route of a request, and what to do for it.
package struct API: RequestHandler {
    /// What is allowed.
    package struct Policy: Sendable {
        /// The keys of which a request must bring one; nil lets everyone in.
        package var keys: APIKeys?
        /// Whether models may be loaded and unloaded by request.
        package var allowsAdministration = false
        /// The most images or rows in one request.
        package var maxBatch = 256
        /// The largest body after decompression, in bytes.
        package var maxBodyBytes = HTTPLimits().maxBodyBytes
        /// Which web pages may use the server.
        package var sites = SiteRules()
        /// The model that `/inference` uses; the first for digits if nil.
        package var digitModel: String?
        /// The versions of a model that the repository has now, oldest first; what is served if nil. It reads files.
        package var modelVersions: (@Sendable (_ model: String) throws -> [ModelVersion])?
        /// Whether metrics are read at an address of their own, and there only.
        package var hasOwnMetricsAddress = false
        /// Whether there is a page for people.
        package var hasPage = true
        /// How the server uses the cores, as its metrics tell.
        package var layout: (mode: String, threadsOfWorker: Int)?

        package init() {}
    }

    /// A model and where it stands in the service's list.
    struct Served: Sendable {
        let index: Int
        let model: ServedModel
    }

    let models: [ServedModel]
    /// Where it counts.
    package let statistics: WorkerStatistics
    let policy: Policy
    /// The model that the last reload could not load.
    package let unloadable = UnloadableModel()

    /// - Parameters:
    ///   - models: What is served, the newest version of a name first.
    package init(models: [ServedModel], statistics: WorkerStatistics, policy: Policy) {
        self.models = models
        self.statistics = statistics
        self.policy = policy
    }

    package func headers(for head: RequestHead) -> [(name: String, value: String)] { policy.sites.headers(for: head) }

    package func admit(_ head: RequestHead, from peer: Peer) -> (RouteLabel, Admission) {
        let (label, admission) = decide(head, from: peer)
        guard case .refused(let response) = admission else { return (label, admission) }
        return (label, .refused(rendered(response, for: head)))
    }

    /// The same, with refusals as HTTP has them.
    private func decide(_ head: RequestHead, from peer: Peer) -> (RouteLabel, Admission) {
        if head.target.path == "*" { return (.other, .refused(Response(.ok))) }
        if head.method == "CONNECT" {
            var response = ErrorResponse.make(.methodNotAllowed, "this server is no proxy")
            response.add("Allow", "GET, HEAD, POST")
            return (.other, .refused(response))
        }
        let route = route(of: head, peer)
        // Metrics that have an address of their own are read there, without a key, and nowhere else.
        let isMetrics = route == .metrics
        if peer.isForMetrics, !isMetrics, route?.isOpen != true { return noRoute(head) }
        if isMetrics, policy.hasOwnMetricsAddress != peer.isForMetrics { return noRoute(head) }
        // Probes tell nothing that a foreign page may not know.
        if route?.isOpen != true,
            let refusal = policy.sites.refusal(of: head, from: peer, wantsKeys: policy.keys != nil), !peer.isForMetrics
        {
            return (route?.label(of: head) ?? .other, .refused(refusal))
        }
        guard let route, route.isGRPC || GRPCWire(head.headers) == nil else { return noRoute(head) }
        if case .page = route, !policy.hasPage {
            return (.page, .refused(ErrorResponse.make(.notFound, "the page is left out of this server (--no-page)")))
        }
        if let answer = policy.sites.preflight(head, methods: route.methods.map(\.string).joined(separator: ", ")) {
            return (route.label(of: head), .refused(answer))
        }
        if let refusal = refusal(of: head, route, from: peer) { return (route.label(of: head), .refused(refusal)) }
        if case .grpc(let method) = route { return (route.label(of: head), admit(method, head)) }
        // What is answered on the event loop must be quick: such a body is short.
        let limit = route.isAnsweredOnEventLoop ? Self.maxEventLoopBodyBytes : policy.maxBodyBytes
        return (
            route.label(of: head),
            .admitted(maxBodyBytes: limit) { request in
                do {
                    return try handle(route, request)
                } catch {
                    return .answer(ErrorResponse.response(for: error))
                }
            }
        )
    }

    /// The route of a request. What asks for `/` as browsers do is given the page.
    private func route(of head: RequestHead, _ peer: Peer) -> Route? {
        let route = Route(head.target.segments)
        guard route == .root, !peer.isForMetrics else { return route }
        let wantsPage = head.headers.list("accept").contains { MediaType($0)?.essence == "text/html" }
        return wantsPage ? .page(.document) : route
    }

    /// The largest body, before and after decompression, of a request that the event loop itself answers.
    package static let maxEventLoopBodyBytes = 16 << 10

    /// The answer to a request for something that is not there.
    private func noRoute(_ head: RequestHead) -> (RouteLabel, Admission) {
        let path = head.target.path.shown(maxBytes: 200)
        if GRPCWire(head.headers) != nil {
            return (.grpcOther, .refused(ErrorResponse.make(.notImplemented, "there is no method \(path)")))
        }
        if head.target.segments.first == "v1" {
            // TensorFlow Serving's words.
            return (.v1, .refused(ErrorResponse.make(.badRequest, "Malformed request: \(head.method) \(path)")))
        }
        return (.other, .refused(ErrorResponse.make(.notFound, "there is nothing at \(path)")))
    }

    /// Why a request of a route is refused before its body is read; nil if it is not.
    private func refusal(of head: RequestHead, _ route: Route, from peer: Peer) -> Response? {
        guard route.methods.contains(head.method) else {
            let methods = route.methods.map(\.string)
            var response = ErrorResponse.make(
                .methodNotAllowed,
                "\(head.target.path.shown(maxBytes: 200)) takes \(methods.joined(separator: " or "))")
            response.add("Allow", methods.joined(separator: ", "))
            return response
        }
        if let keys = policy.keys, let wanted = route.right, !peer.isForMetrics {
            guard let rights = keys.rights(of: head.headers) else {
                var response = ErrorResponse.make(.unauthorized, route.wordsForMissingKey)
                response.add("WWW-Authenticate", "Bearer realm=\"swiftnet\"")
                return response
            }
            guard rights.contains(wanted) else {
                return ErrorResponse.make(
                    .forbidden, "this key does not have the right '\(wanted.text)'; it has: \(rights.text)")
            }
        }
        if route.isAdministrative, !policy.allowsAdministration {
            return ErrorResponse.make(.forbidden, "administration is off; the server's flag --admin allows it")
        }
        return nil
    }

    private func handle(_ route: Route, _ request: Request) throws -> Handling {
        switch route {
        case .page(let file): return .answer(file.content.response(to: request.head))
        case .root: return .answer(json(["name": "swiftnet", "status": "alive"]))
        case .live, .healthy: return .answer(json(["live": true]))
        case .ready: return .answer(readiness)
        case .metrics:
            let text = MetricsText(statistics.fleet, models: models, layout: policy.layout).bytes
            return .answer(Response(.ok, contentType: "text/plain; version=0.0.4; charset=utf-8", body: text))
        case .openAPI: return .answer(Response(.ok, contentType: "application/json", body: OpenAPI.document))
        case .inference: return try inference(request)
        case .predict(let name): return predict(request, try find(Route.ModelReference(name: name)))
        case .rotate: return try rotate(request)
        case .v1Predict(let reference): return v1Predict(request, try find(reference))
        case .v1Unsupported(let verb): throw RequestRefusal(.notImplemented, "this server has :predict, not :\(verb)")
        case .v1Status(let reference): return .answer(try v1Status(reference))
        case .v1Metadata(let reference): return .answer(try v1Metadata(find(reference)))
        default: return try handleV2(route, request)
        }
    }

    /// 200 while requests are welcome, 503 while the server drains.
    private var readiness: Response {
        let isReady = statistics.fleet[.isDraining] == 0
        var response = json(["ready": .bool(isReady), "live": true])
        if !isReady { response.status = .serviceUnavailable }
        return response
    }

    func json(_ value: JSONValue) -> Response {
        Response(.ok, contentType: "application/json", body: value.bytes())
    }

    /// The model that a client names, its newest version unless it wants another.
    func find(_ reference: Route.ModelReference) throws -> Served {
        let index = models.firstIndex(where: reference.names)
        guard let index else {
            let version = reference.version.map { " version \($0)" } ?? ""
            throw RequestRefusal(.notFound, "there is no model '\(reference.name)'\(version)")
        }
        return Served(index: index, model: models[index])
    }

    /// The first model of a kind.
    func first(_ task: ServedModel.Task, named name: String? = nil) throws -> Served {
        if let name { return try find(Route.ModelReference(name: ByteText(name))) }
        guard let index = models.firstIndex(where: { $0.task == task }) else {
            throw RequestRefusal(.notFound, "no model for \(task) is loaded")
        }
        return Served(index: index, model: models[index])
    }

    /// Says on an answer which model gave it, and in which precision if that was lowered.
    func signed(_ response: Response, _ model: ServedModel) -> Response {
        var response = response
        response.add("Model-Name", model.name)
        response.add("Model-Version", model.version)
        if let precision = model.loweredPrecision { response.add("Model-Precision", precision) }
        return response
    }

    /// A request's body, decompressed.
    func body(of request: Request, maxBytes: Int? = nil) throws -> [UInt8] {
        try RequestBody.decoded(
            request.body, headers: request.head.headers, maxBytes: maxBytes ?? policy.maxBodyBytes)
    }

    /// How many views of each image a request asks for, in its target or in its body.
    ///
    /// - Parameter own: What its body says.
    func views(_ request: Request, _ own: RequestedViews?) throws -> RequestedViews {
        let inQuery = try RequestedViews.inQuery(request.head.target.query)
        if let inQuery, let own, inQuery != own {
            throw RequestRefusal(.badRequest, "the query and the body ask for different 'views'")
        }
        return inQuery ?? own ?? .one
    }

    /// A model's answers to images, the first bad one of which is an error.
    func classify(
        _ served: Served, _ images: [[UInt8]], _ runner: any InferenceRunner, views: RequestedViews = .one
    ) throws -> [Classification] {
        try served.model.checkHasClasses()
        return try counting(served, images: images.count) {
            try runner.classify(model: served.index, images: images, views: views).map { try $0.get() }
        }
    }

    /// Has a model answer an input.
    ///
    /// - Parameter answer: From what it makes of each image or row: of numbers its output, of pixels and images classes, or its
    ///   output where it has none.
    func step(
        _ served: Served, _ input: ModelInput, _ runner: any InferenceRunner, views: RequestedViews = .one,
        answer: @escaping (NetworkRun.Output) throws -> Response
    ) throws -> RequestStep {
        try views.check(input, served.model)
        let rows: NetworkRun.Rows
        switch input {
        case .rows(let numbers, _): rows = .numbers(numbers)
        case .pixels(let pixels, _):
            try served.model.checkHasClasses()
            rows = .pixels(pixels)
        case .images(let images) where served.model.task == .tensors:
            return .alone {
                let numbers = try counting(served, images: images.count) {
                    try runner.run(model: served.index, images: images)
                }
                return try answer(.numbers(numbers))
            }
        case .images(let images):
            return .alone {
                try answer(.classifications(try classify(served, images, runner, views: views)))
            }
        }
        let clock = ModelClock(statistics, served.model, images: input.count)
        return .run(NetworkRun(model: served.index, count: input.count, rows: rows)) { result, isFirst in
            do {
                let output = try result.get()
                clock.succeeded(isFirst: isFirst)
                return try answer(output)
            } catch {
                if case .failure = result { clock.failed() }
                throw error
            }
        }
    }

    /// Runs a model and counts what it did.
    func counting<Result>(_ served: Served, images: Int, _ body: () throws -> Result) throws -> Result {
        let clock = ModelClock(statistics, served.model, images: images)
        do {
            let result = try body()
            clock.succeeded()
            return result
        } catch {
            clock.failed()
            throw error
        }
    }
}
