// SPDX-License-Identifier: MIT

import HTTP
import JSON
import Text

/// The body of a `:predict` call. As TensorFlow has it, numbers that could be channels first or last are channels last.
///
/// - Source: tensorflow.org/tfx/serving/api_rest.
package struct TensorFlowRequest: Equatable, Sendable {
    /// What is to be answered.
    package let input: ModelInput
    /// Whether it came under `inputs` rather than `instances`.
    package let isColumnar: Bool
    /// How many views of each image the key `views`, which TensorFlow does not have, asks for; nil where it does not say.
    package let views: RequestedViews?

    /// Reads and checks a body.
    ///
    /// - Throws: ``RequestRefusal`` or `JSONError`.
    package init(_ body: [UInt8], model: ServedModel, maxRows: Int) throws {
        try model.checkTakesPictures()
        var reader = JSONReader(body[...], allowsNonFinite: true)
        var found: (ModelInput, Bool)?
        var views: RequestedViews?
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
            case "views": views = try RequestedViews(&reader)
            default: throw RequestRefusal(.badRequest, "unknown key '\(name)'")
            }
        }
        try reader.finish()
        guard let found else { throw RequestRefusal(.badRequest, "expected the key 'instances' or 'inputs'") }
        (input, isColumnar) = found
        self.views = views
    }

    /// Reads a list of tensors, of `{"<input>": tensor}`, of `{"b64": ...}` or of `{"<input>": {"b64": ...}}`.
    private static func instances(
        _ reader: inout JSONReader, _ model: ServedModel, _ maxRows: Int, _ maxNumbers: Int
    ) throws -> ModelInput {
        var probe = reader
        guard probe.take(UInt8(ascii: "[")), probe.nextKind() == .object else {
            return try rows(try reader.readNumbers(maxCount: maxNumbers), model, maxRows)
        }
        var images: [[UInt8]] = []
        var values: [Float] = []
        var count = 0
        try reader.readArray { reader in
            count += 1
            if count > maxRows { throw ModelInput.tooMany(maxRows) }
            switch try instance(&reader, model, maxNumbers) {
            case .images(let image): images += image
            case .rows(let row, _): values += row
            case .pixels: break
            }
        }
        if images.isEmpty { return .rows(values, count: count) }
        guard values.isEmpty else { throw RequestRefusal(.badRequest, "instances must be all images or all tensors") }
        return .images(images)
    }

    private static func instance(
        _ reader: inout JSONReader, _ model: ServedModel, _ maxNumbers: Int
    ) throws -> ModelInput {
        var found: ModelInput?
        try reader.readObject { reader, name in
            if found != nil { throw RequestRefusal(.badRequest, "an instance has one input, '\(model.input.name)'") }
            if name == "b64" {
                found = .images([try ImageInput.decoded(reader.readString())])
            } else if reader.nextKind() == .object {
                found = .images([try ImageInput.encoded(&reader)])
            } else {
                try checkName(name, model)
                let numbers = try reader.readNumbers(maxCount: maxNumbers)
                found = try rows(NumberArray(shape: [1] + numbers.shape, values: numbers.values), model, 1)
            }
        }
        guard let found else { throw RequestRefusal(.badRequest, "an instance is empty") }
        return found
    }

    /// Reads a tensor, or `{"<input>": tensor}`.
    private static func columns(
        _ reader: inout JSONReader, _ model: ServedModel, _ maxRows: Int, _ maxNumbers: Int
    ) throws -> ModelInput {
        guard reader.nextKind() == .object else {
            return try rows(try reader.readNumbers(maxCount: maxNumbers), model, maxRows)
        }
        var numbers: NumberArray?
        try reader.readObject { reader, name in
            try checkName(name, model)
            numbers = try reader.readNumbers(maxCount: maxNumbers)
        }
        guard let numbers else { throw RequestRefusal(.badRequest, "expected the input '\(model.input.name)'") }
        return try rows(numbers, model, maxRows)
    }

    private static func checkName(_ name: ByteText, _ model: ServedModel) throws {
        guard model.input(named: name) == model.input else {
            throw RequestRefusal(.badRequest, "unknown input '\(name)'; expected '\(model.input.name)'")
        }
    }

    /// Checks that numbers are rows of the model's input, and brings them into the network's order.
    private static func rows(_ numbers: NumberArray, _ model: ServedModel, _ maxRows: Int) throws -> ModelInput {
        let layout = RowLayout(model)
        guard let (count, order) = layout.batch(numbers.shape, preferred: .channelsLast) else {
            let last = [-1, layout.height, layout.width, layout.channels]
            throw RequestRefusal(
                .badRequest,
                "expected the shape \(last) or \(model.input.shape), -1 for any number; got \(numbers.shape)")
        }
        if count > maxRows { throw ModelInput.tooMany(maxRows) }
        return .rows(layout.reordered(numbers.values, from: order, to: model.inputOrder), count: count)
    }
}
