// SPDX-License-Identifier: MIT

import HTTP

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
                    "extensions": ["binary_tensor_data", "statistics", "model_repository"],
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
        case .repositoryIndex: return .answer(repositoryIndex)
        case .repositoryLoad(let model): return .command(.load(model: try Self.checked(model)))
        case .repositoryUnload(let model):
            return .command(.unload(model: try find(Route.ModelReference(name: model)).model.name))
        default: throw RequestRefusal(.notFound, "there is nothing at this path")
        }
    }

    /// A model's name that can't be anything else: it never becomes a path of the client's choice.
    private static func checked(_ name: String) throws -> String {
        let isPlain = name.utf8.allSatisfy { byte in
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20 || byte &- 0x30 < 10 || "-_.".utf8.contains(byte)
        }
        guard (1...128).contains(name.utf8.count), isPlain, !name.hasPrefix(".") else {
            throw RequestRefusal(.badRequest, "a model's name has letters, digits, '-', '_' and '.' only")
        }
        return name
    }

    /// The version of the server in its metadata.
    static let version = "0.1.0"

    private func tensor(_ tensor: TensorDescription) -> JSONValue {
        [
            "name": .string(tensor.name), "datatype": .string(tensor.datatype),
            "shape": .array(tensor.shape.map { .integer($0) }),
        ]
    }

    private func metadata(_ model: ServedModel) -> Response {
        let versions = models.filter { $0.name == model.name }.map { JSONValue.string($0.version) }
        return json([
            "name": .string(model.name), "versions": .array(versions),
            "platform": .string("swiftnet_\(model.architecture)"),
            "inputs": [tensor(model.input)], "outputs": [tensor(model.output)],
        ])
    }

    private func configuration(_ model: ServedModel) -> Response {
        func tensor(_ tensor: TensorDescription) -> JSONValue {
            [
                "name": .string(tensor.name), "data_type": .string("TYPE_\(tensor.datatype)"),
                "dims": .array(tensor.shape.dropFirst().map { .integer($0) }),
            ]
        }
        return json([
            "name": .string(model.name), "platform": .string("swiftnet_\(model.architecture)"),
            "max_batch_size": .integer(policy.maxBatch), "input": [tensor(model.input)],
            "output": [tensor(model.output)],
        ])
    }

    private func modelStatistics(_ model: ServedModel) -> JSONValue {
        let fleet = statistics.fleet
        func count(_ counter: ModelCounter) -> JSONValue { .integer(Int(clamping: fleet.total(counter, of: model))) }
        func duration(_ runs: ModelCounter, _ nanoseconds: JSONValue) -> JSONValue {
            ["count": count(runs), "ns": nanoseconds]
        }
        return [
            "name": .string(model.name), "version": .string(model.version),
            "last_inference": count(.lastMilliseconds), "inference_count": count(.images),
            "execution_count": count(.runs),
            "inference_stats": [
                "success": duration(.runs, count(.nanoseconds)), "fail": duration(.failures, 0),
                "compute_infer": duration(.runs, count(.nanoseconds)),
            ],
            "batch_stats": [],
        ]
    }

    private var repositoryIndex: Response {
        json(
            .array(
                models.map {
                    ["name": .string($0.name), "version": .string($0.version), "state": "READY", "reason": ""]
                }))
    }

    // MARK: infer

    private func v2Infer(_ request: Request, _ served: Served) -> Handling {
        .work { runner in
            let body = try RequestBody.decoded(request, maxBytes: policy.maxBodyBytes)
            let call = try OpenInferenceRequest(
                body, headerLength: request.head.headers["inference-header-content-length"], model: served.model,
                maxRows: policy.maxBatch)
            let values = try counting(served, images: call.rows) {
                try runner.run(model: served.index, rows: call.rows, input: call.values)
            }
            return signed(response(call, values, served.model), served.model)
        }
    }

    private func response(_ call: OpenInferenceRequest, _ values: [Float], _ model: ServedModel) -> Response {
        let shape = [call.rows] + model.output.shape.dropFirst()
        var output: [(String, JSONValue)] = [
            ("name", .string(model.output.name)), ("datatype", "FP32"),
            ("shape", .array(shape.map { .integer($0) })),
        ]
        output.append(
            call.wantsBinaryOutput
                ? ("parameters", ["binary_data_size": .integer(values.count * 4)])
                : ("data", .floats(values, shape: [values.count])))
        var members: [(String, JSONValue)] = [
            ("model_name", .string(model.name)), ("model_version", .string(model.version)),
        ]
        if let id = call.id { members.append(("id", .string(id))) }
        members.append(("outputs", [.object(output)]))
        let header = JSONValue.object(members).bytes
        guard call.wantsBinaryOutput else { return Response(.ok, contentType: "application/json", body: header) }
        var body = header
        body.reserveCapacity(header.count + values.count * 4)
        for value in values { withUnsafeBytes(of: value.bitPattern.littleEndian) { body.append(contentsOf: $0) } }
        var response = Response(.ok, contentType: "application/octet-stream", body: body)
        response.add("Inference-Header-Content-Length", String(header.count))
        return response
    }
}
