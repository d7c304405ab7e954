// SPDX-License-Identifier: MIT

import HTTP

/// TensorFlow Serving's REST interface, `/v1/models/...`.
///
/// - Source: tensorflow.org/tfx/serving/api_rest.
extension API {
    /// Says which versions of a model are there.
    func v1Status(_ reference: Route.ModelReference) throws -> Response {
        let found = models.filter {
            $0.name == reference.name && (reference.version == nil || $0.version == reference.version)
        }
        if found.isEmpty { _ = try find(reference) }
        let status: JSONValue = ["error_code": "OK", "error_message": ""]
        return json([
            "model_version_status": .array(
                found.map { ["version": .string($0.version), "state": "AVAILABLE", "status": status] })
        ])
    }

    /// Says what a model takes and gives.
    func v1Metadata(_ served: Served) -> Response {
        let model = served.model
        func tensor(_ tensor: TensorDescription) -> JSONValue {
            let dimensions = tensor.shape.map { ["size": .string(String($0)), "name": ""] as JSONValue }
            let shape: JSONValue = ["dim": .array(dimensions), "unknown_rank": false]
            let description: JSONValue = [
                "dtype": "DT_FLOAT", "tensor_shape": shape, "name": .string(tensor.name + ":0"),
            ]
            return .object([(tensor.name, description)])
        }
        let signature: JSONValue = [
            "inputs": tensor(model.input), "outputs": tensor(model.output),
            "method_name": "tensorflow/serving/predict",
        ]
        return json([
            "model_spec": [
                "name": .string(model.name), "signature_name": "", "version": .string(model.version),
            ],
            "metadata": ["signature_def": ["signature_def": ["serving_default": signature]]],
        ])
    }

    /// Answers `:predict`. Tensors are answered with the network's own output, encoded images with probabilities.
    func v1Predict(_ request: Request, _ served: Served) -> Handling {
        .work { runner in
            let body = try RequestBody.decoded(request, maxBytes: policy.maxBodyBytes)
            let call = try TensorFlowRequest(body, model: served.model, maxRows: policy.maxBatch)
            let values: [Float]
            switch call.input {
            case .rows(let rows, let count):
                values = try counting(served, images: count) {
                    try runner.run(model: served.index, rows: count, input: rows)
                }
            case .images(let images):
                values = try counting(served, images: images.count) {
                    try runner.classify(model: served.index, images: images).flatMap { try $0.get().scores }
                }
            }
            let rowCount = served.model.output.rowCount
            let shape = [values.count / max(rowCount, 1)] + served.model.output.shape.dropFirst()
            let key = call.isColumnar ? "outputs" : "predictions"
            return signed(json(.object([(key, .floats(values, shape: shape))])), served.model)
        }
    }
}

/// The body of a `:predict` call.
struct TensorFlowRequest: Equatable {
    /// What is to be answered.
    enum Input: Equatable {
        /// Numbers as the network takes them.
        case rows([Float], count: Int)
        /// Encoded images.
        case images([[UInt8]])
    }

    let input: Input
    /// Whether it came under `inputs` rather than `instances`.
    let isColumnar: Bool

    /// - Throws: `RequestRefusal` or `JSONError`.
    init(_ body: [UInt8], model: ServedModel, maxRows: Int) throws {
        var reader = JSONReader(body[...], allowsNonFinite: true)
        var found: (Input, Bool)?
        try reader.readObject { reader, name in
            switch name {
            case "signature_name":
                let signature = try reader.readString()
                guard ["", "serving_default"].contains(signature) else {
                    throw RequestRefusal(.badRequest, "the only signature is 'serving_default'")
                }
            case "instances", "inputs":
                if found != nil { throw RequestRefusal(.badRequest, "give 'instances' or 'inputs', not both") }
                let limit = body.count / 2 + 1
                let input =
                    name == "instances"
                    ? try Self.instances(&reader, model, maxRows, limit)
                    : try Self.columns(&reader, model, maxRows, limit)
                found = (input, name == "inputs")
            default: throw RequestRefusal(.badRequest, "unknown key '\(name.prefix(100))'")
            }
        }
        try reader.finish()
        guard let found else { throw RequestRefusal(.badRequest, "expected the key 'instances' or 'inputs'") }
        (input, isColumnar) = found
    }

    /// Reads a list of tensors, of `{"<input>": tensor}`, of `{"b64": ...}` or of `{"<input>": {"b64": ...}}`.
    private static func instances(
        _ reader: inout JSONReader, _ model: ServedModel, _ maxRows: Int, _ maxNumbers: Int
    ) throws -> Input {
        var probe = reader
        guard probe.take(UInt8(ascii: "[")), probe.nextKind() == .object else {
            return try rows(try reader.readNumbers(maxCount: maxNumbers), model, maxRows)
        }
        var images: [[UInt8]] = []
        var values: [Float] = []
        var count = 0
        try reader.readArray { reader in
            count += 1
            if count > maxRows { throw tooMany(maxRows) }
            switch try instance(&reader, model, maxNumbers) {
            case .images(let image): images += image
            case .rows(let row, _): values += row
            }
        }
        if images.isEmpty { return .rows(values, count: count) }
        guard values.isEmpty else { throw RequestRefusal(.badRequest, "instances must be all images or all tensors") }
        return .images(images)
    }

    private static func instance(
        _ reader: inout JSONReader, _ model: ServedModel, _ maxNumbers: Int
    ) throws -> Input {
        var found: Input?
        try reader.readObject { reader, name in
            if found != nil { throw RequestRefusal(.badRequest, "an instance has one input, '\(model.input.name)'") }
            if name == "b64" {
                guard let image = base64Decoded(try reader.readString().utf8) else {
                    throw RequestRefusal(.badRequest, "an image is not valid base64")
                }
                found = .images([image])
            } else if reader.nextKind() == .object {
                found = .images([try ImageInput.encoded(&reader)])
            } else {
                guard name == model.input.name else {
                    throw RequestRefusal(
                        .badRequest, "unknown input '\(name.prefix(100))'; expected '\(model.input.name)'")
                }
                let numbers = try reader.readNumbers(maxCount: maxNumbers)
                guard isRow(numbers.shape, model) else { throw wrongShape(numbers.shape, model) }
                found = .rows(numbers.values, count: 1)
            }
        }
        guard let found else { throw RequestRefusal(.badRequest, "an instance is empty") }
        return found
    }

    /// Reads a tensor, or `{"<input>": tensor}`.
    private static func columns(
        _ reader: inout JSONReader, _ model: ServedModel, _ maxRows: Int, _ maxNumbers: Int
    ) throws -> Input {
        guard reader.nextKind() == .object else {
            return try rows(try reader.readNumbers(maxCount: maxNumbers), model, maxRows)
        }
        var numbers: NumberArray?
        try reader.readObject { reader, name in
            guard name == model.input.name else {
                throw RequestRefusal(.badRequest, "unknown input '\(name.prefix(100))'; expected '\(model.input.name)'")
            }
            numbers = try reader.readNumbers(maxCount: maxNumbers)
        }
        guard let numbers else { throw RequestRefusal(.badRequest, "expected the input '\(model.input.name)'") }
        return try rows(numbers, model, maxRows)
    }

    /// Checks that numbers are rows of the model's input.
    private static func rows(_ numbers: NumberArray, _ model: ServedModel, _ maxRows: Int) throws -> Input {
        guard let count = numbers.shape.first, count > 0, isRow(Array(numbers.shape.dropFirst()), model) else {
            throw wrongShape(numbers.shape, model)
        }
        if count > maxRows { throw tooMany(maxRows) }
        return .rows(numbers.values, count: count)
    }

    /// Whether a shape is the model's without the batch, or holds as many numbers in one row.
    static func isRow(_ shape: [Int], _ model: ServedModel) -> Bool {
        shape == Array(model.input.shape.dropFirst()) || shape == [model.input.rowCount]
    }

    private static func wrongShape(_ shape: [Int], _ model: ServedModel) -> RequestRefusal {
        RequestRefusal(.badRequest, "expected the shape \(model.input.shape), -1 for any number; got \(shape)")
    }

    private static func tooMany(_ limit: Int) -> RequestRefusal {
        RequestRefusal(.contentTooLarge, "the request has more than \(limit) rows")
    }
}
