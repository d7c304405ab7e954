// SPDX-License-Identifier: MIT

import GRPC
import HTTP
import Protocols
import Text
import Transport

/// What a path asks for.
enum Route: Equatable, Sendable {
    case root, live, ready, healthy, metrics, openAPI
    case page(PageFile)
    case inference
    case predict(model: ByteText)
    case rotate
    case v1Predict(ModelReference)
    case v1Unsupported(verb: ByteText)
    case v1Status(ModelReference)
    case v1Metadata(ModelReference)
    case v2Server
    case v2Models
    case v2Model(ModelReference)
    case v2ModelReady(ModelReference)
    case v2Infer(ModelReference)
    case v2Configuration(ModelReference)
    case v2Statistics(ModelReference?)
    case repositoryIndex
    case repositoryLoad(model: ByteText)
    case repositoryUnload(model: ByteText)
    case grpc(GRPCMethod)

    /// A model by name, and a version if the client wants a certain one.
    struct ModelReference: Equatable, Sendable {
        let name: ByteText
        var version: ByteText?

        /// Whether a model has this name, and this version if one is named.
        func names(_ model: ServedModel) -> Bool {
            ByteText(model.name) == name && (version == nil || version == ByteText(model.version))
        }
    }

    /// The methods that the route allows; GET means HEAD too.
    var methods: [ByteText] {
        switch self {
        case .inference, .predict, .rotate, .v1Predict, .v1Unsupported, .v2Infer, .repositoryIndex, .repositoryLoad,
            .repositoryUnload, .grpc:
            ["POST"]
        default: ["GET", "HEAD"]
        }
    }

    /// Under what a request is counted.
    func label(of head: RequestHead) -> RouteLabel {
        switch self {
        // What comes in another form is answered as HTTP answers.
        case .grpc(let method): GRPCWire(head.headers) == nil ? .other : method.label
        case .root, .live, .ready, .healthy: .health
        case .metrics: .metrics
        case .inference: .inference
        case .predict: .predict
        case .rotate: .rotate
        case .v1Predict, .v1Unsupported, .v1Status, .v1Metadata: .v1
        case .page: .page
        case .openAPI: .other
        default: .v2
        }
    }

    /// Whether it is a probe, which tells nothing: anyone may ask, pages of other sites too.
    var isOpen: Bool {
        if case .grpc(let method) = self { return method.right == nil }
        return [.root, .live, .ready, .healthy].contains(self)
    }

    /// Whether it is a method of gRPC.
    var isGRPC: Bool { if case .grpc = self { true } else { false } }

    /// What a key must allow; nil if anyone may ask.
    var right: Rights? {
        if isOpen { return nil }
        if case .page = self { return nil }
        if case .grpc(let method) = self { return method.right }
        return isAdministrative ? .admin : self == .metrics ? .metrics : .predict
    }

    /// Whether the route changes what is served.
    var isAdministrative: Bool {
        switch self {
        case .repositoryLoad, .repositoryUnload: true
        case .grpc(let method): method.isAdministrative
        default: false
        }
    }

    /// What those are told who bring no key.
    var wordsForMissingKey: String {
        if case .grpc(let method) = self, method.isOfPhotoService { return "Invalid signature" }
        return "an API key is missing or wrong"
    }

    /// Whether the event loop itself answers: all but what runs a model.
    var isAnsweredOnEventLoop: Bool {
        switch self {
        case .inference, .predict, .rotate, .v1Predict, .v2Infer: false
        case .grpc(let method): method.isAnsweredOnEventLoop
        default: true
        }
    }

    /// Finds the route of a path; nil if there is none.
    init?(_ segments: [ByteText]) {
        switch segments.first {
        case "v1": self.init(v1: segments.dropFirst())
        case "v2": self.init(v2: segments.dropFirst())
        case "predict":
            guard segments.count == 2 else { return nil }
            self = .predict(model: segments[1])
        default:
            switch segments {
            case []: self = .root
            case ["inference"]: self = .inference
            case ["rotate"]: self = .rotate
            case ["healthz"]: self = .healthy
            case ["metrics"]: self = .metrics
            case ["openapi.json"]: self = .openAPI
            default:
                if segments.count == 2, segments[0] == "page", let file = PageFile(path: segments[1]) {
                    self = .page(file)
                    return
                }
                guard segments.count == 2, let method = GRPCMethod(service: segments[0], method: segments[1]) else {
                    return nil
                }
                self = .grpc(method)
            }
        }
    }

    /// The paths below `/v1`, those of TensorFlow Serving.
    private init?(v1 segments: ArraySlice<ByteText>) {
        var path = Array(segments)
        guard path.first == "models", path.count >= 2, let last = path.last else { return nil }
        var verb: ByteText?
        if let colon = last.utf8.lastIndex(of: UInt8(ascii: ":")) {
            verb = ByteText(decoding: last.utf8[colon...].dropFirst()).lowercased
            path[path.count - 1] = ByteText(decoding: last.utf8[..<colon])
        }
        let wantsMetadata = verb == nil && path.count > 2 && path.last == "metadata"
        if wantsMetadata { path.removeLast() }
        guard let reference = Self.reference(path.dropFirst()) else { return nil }
        switch verb {
        case nil: self = wantsMetadata ? .v1Metadata(reference) : .v1Status(reference)
        case "predict": self = .v1Predict(reference)
        case let verb?:
            guard ["classify", "regress"].contains(verb) else { return nil }
            self = .v1Unsupported(verb: verb)
        }
    }

    /// The paths below `/v2`, those of the Open Inference Protocol.
    private init?(v2 segments: ArraySlice<ByteText>) {
        let path = Array(segments)
        switch path.first {
        case nil: self = .v2Server
        case "health":
            guard path.count == 2, ["live", "ready"].contains(path[1]) else { return nil }
            self = path[1] == "live" ? .live : .ready
        case "repository":
            if path == ["repository", "index"] {
                self = .repositoryIndex
            } else if path.count == 4, path[1] == "models", ["load", "unload"].contains(path[3]) {
                self = path[3] == "load" ? .repositoryLoad(model: path[2]) : .repositoryUnload(model: path[2])
            } else {
                return nil
            }
        case "models": self.init(v2Models: path)
        default: return nil
        }
    }

    private init?(v2Models path: [ByteText]) {
        if path.count == 1 {
            self = .v2Models
            return
        }
        if path == ["models", "stats"] {
            self = .v2Statistics(nil)
            return
        }
        let verbs: [ByteText] = ["infer", "ready", "config", "stats"]
        let verb = path.count > 2 && path.count != 4 ? path.last : nil
        if let verb, !verbs.contains(verb) { return nil }
        guard let reference = Self.reference(path.dropFirst().dropLast(verb == nil ? 0 : 1)) else { return nil }
        switch verb {
        case "infer": self = .v2Infer(reference)
        case "ready": self = .v2ModelReady(reference)
        case "config": self = .v2Configuration(reference)
        case "stats": self = .v2Statistics(reference)
        default: self = .v2Model(reference)
        }
    }

    /// Reads "name" or "name/versions/3".
    private static func reference(_ path: ArraySlice<ByteText>) -> ModelReference? {
        let path = Array(path)
        guard let name = path.first, !name.isEmpty else { return nil }
        if path.count == 1 { return ModelReference(name: name) }
        guard path.count == 3, path[1] == "versions", path[2].number(maxDigits: 9) != nil else { return nil }
        return ModelReference(name: name, version: path[2])
    }
}
