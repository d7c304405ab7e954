// SPDX-License-Identifier: MIT

import HTTP
import JSON
import Protocols
import Release
import Text
import Transport

/// The Open Inference Protocol, version 2, over REST: `/v2/...`.
///
/// - Source: github.com/kserve/open-inference-protocol; Triton's binary data, statistics and model repository extensions.
extension API {
    func handleV2(_ route: Route, _ request: Request) throws -> Handling {
        switch route {
        case .v2Server:
            return .answer(
                json([
                    "name": "swiftnet", "version": .string(API.version),
                    "extensions": ["binary_tensor_data", "classification", "statistics", "model_repository"],
                ]))
        case .v2Models:
            return .answer(json(["models": .array(Array(Set(models.map(\.name))).sorted().map { .string($0) })]))
        case .v2Model(let reference): return .answer(metadata(try find(reference).model))
        case .v2ModelReady(let reference):
            return .answer(json(["name": .string(try find(reference).model.name), "ready": true]))
        case .v2Configuration(let reference): return .answer(configuration(try find(reference).model))
        case .v2Statistics(let reference):
            let listed = try reference.map { [try find($0).model] } ?? models
            return .answer(json(["model_stats": .array(listed.map(modelStatistics))]))
        case .v2Infer(let reference): return v2Infer(request, try find(reference))
        case .repositoryIndex: return .answer(try repositoryIndex(request))
        case .repositoryLoad(let model):
            try checkLoad(request)
            return .command(.load(model: try Self.checked(model)))
        case .repositoryUnload(let model):
            return .command(.unload(model: try find(Route.ModelReference(name: model)).model.name))
        default: throw RequestRefusal(.notFound, "there is nothing at this path")
        }
    }

    /// A model's name that can't be anything else: it never becomes a path of the client's choice.
    static func checked(_ name: ByteText) throws -> String {
        let isPlain = name.utf8.allSatisfy { byte in
            ASCII.isLetter(byte) || ASCII.isDigit(byte) || "-_.".utf8.contains(byte)
        }
        guard (1...128).contains(name.utf8.count), isPlain, !name.hasPrefix(".") else {
            throw RequestRefusal(.badRequest, "a model's name has letters, digits, '-', '_' and '.' only")
        }
        return name.string
    }

    /// The version of the server in its metadata.
    package static let version = Release.version

    private func tensor(_ tensor: TensorDescription) -> JSONValue {
        [
            "name": .string(tensor.name), "datatype": .string(tensor.datatype.rawValue),
            "shape": .array(tensor.shape.map { .integer($0) }),
        ]
    }

    private func metadata(_ model: ServedModel) -> Response {
        let versions = models.filter { $0.name == model.name }.map { JSONValue.string($0.version) }
        var members: [(String, JSONValue)] = [
            ("name", .string(model.name)), ("versions", .array(versions)),
            ("platform", .string("swiftnet_\(model.architecture)")),
            ("inputs", .array(model.inputs.map(tensor))),
            ("outputs", .array(model.allOutputs.map(tensor))),
        ]
        if let precision = model.loweredPrecision { members.append(("properties", ["precision": .string(precision)])) }
        return json(.object(members))
    }

    private func configuration(_ model: ServedModel) -> Response {
        func tensor(_ tensor: TensorDescription) -> [(String, JSONValue)] {
            let type = tensor.datatype == .bytes ? "STRING" : tensor.datatype.rawValue
            let dimensions = tensor.shape.count == 1 ? [1] : Array(tensor.shape.dropFirst())
            return [
                ("name", .string(tensor.name)), ("data_type", .string("TYPE_\(type)")),
                ("dims", .array(dimensions.map { .integer($0) })),
            ]
        }
        var parameters: [(String, JSONValue)] = [("task", ["string_value": .string("\(model.task)")])]
        if let precision = model.loweredPrecision {
            parameters.append(("precision", ["string_value": .string(precision)]))
        }
        return json([
            "name": .string(model.name), "platform": .string("swiftnet_\(model.architecture)"),
            "max_batch_size": .integer(policy.maxBatch),
            "input": .array(model.inputs.map { .object(tensor($0) + [("optional", .bool(model.takesPictures))]) }),
            "output": .array(model.allOutputs.map { .object(tensor($0)) }),
            "parameters": .object(parameters),
        ])
    }

    private func modelStatistics(_ model: ServedModel) -> JSONValue {
        let fleet = statistics.fleet
        func count(_ counter: ModelCounter) -> JSONValue { .integer(Int(clamping: fleet.total(counter, of: model))) }
        func duration(_ requests: ModelCounter, _ nanoseconds: JSONValue) -> JSONValue {
            ["count": count(requests), "ns": nanoseconds]
        }
        return [
            "name": .string(model.name), "version": .string(model.version),
            "last_inference": count(.lastMilliseconds), "inference_count": count(.images),
            "execution_count": count(.runs),
            "inference_stats": [
                "success": duration(.requests, count(.nanoseconds)), "fail": duration(.failures, 0),
                "compute_infer": duration(.requests, count(.nanoseconds)),
            ],
            "batch_stats": [],
        ]
    }

    /// The models and their states; with `{"ready": true}` only those that can be asked.
    private func repositoryIndex(_ request: Request) throws -> Response {
        var isReadyWanted = false
        try readMembers(of: request) { reader, name in
            if name == "ready" { isReadyWanted = try reader.readBool() } else { try reader.skipValue() }
        }
        var entries: [JSONValue] = models.map {
            ["name": .string($0.name), "version": .string($0.version), "state": "READY", "reason": ""]
        }
        if !isReadyWanted, let (model, problem) = unloadable.value {
            entries.append([
                "name": .string(model), "version": "", "state": "UNAVAILABLE", "reason": .string(problem),
            ])
        }
        return json(.array(entries))
    }

    /// Refuses to load a model with a configuration or files of the client's.
    private func checkLoad(_ request: Request) throws {
        try readMembers(of: request) { reader, name in
            guard name == "parameters" else { return try reader.skipValue() }
            try reader.readObject { _, name in
                throw RequestRefusal(
                    .badRequest,
                    "the parameter '\(name)' is not taken: a model is loaded as the repository has it")
            }
        }
    }

    /// Reads a body that may be empty, or an object.
    private func readMembers(
        of request: Request, _ member: (inout JSONReader, ByteText) throws -> Void
    ) throws {
        let body = try body(of: request, maxBytes: Self.maxEventLoopBodyBytes)
        if body.isEmpty { return }
        var reader = JSONReader(body[...])
        try reader.readObject(member)
        try reader.finish()
    }

    // MARK: infer

    private func v2Infer(_ request: Request, _ served: Served) -> Handling {
        .work { runner in
            let call = try OpenInferenceRequest(
                body(of: request), headerLength: request.head.headers["inference-header-content-length"],
                model: served.model, maxRows: policy.maxBatch)
            return try step(served, call.input, runner, views: views(request, call.views)) { output in
                let answer = try OpenInferenceAnswer(to: call, numbers: output.numbers, model: served.model)
                guard let headerLength = answer.headerLength else {
                    return signed(Response(.ok, contentType: "application/json", body: answer.body), served.model)
                }
                var response = Response(.ok, contentType: "application/octet-stream", body: answer.body)
                response.add("Inference-Header-Content-Length", String(headerLength))
                return signed(response, served.model)
            }
        }
    }
}
