// SPDX-License-Identifier: MIT

import HTTP
import JSON
import Protocols
import Text
import Transport

/// TensorFlow Serving's REST interface, `/v1/models/...`.
///
/// - Source: tensorflow.org/tfx/serving/api_rest.
extension API {
    /// Says which versions of a model are there.
    func v1Status(_ reference: Route.ModelReference) throws -> Response {
        let found = models.filter(reference.names)
        if found.isEmpty { _ = try find(reference) }
        let status: JSONValue = ["error_code": "OK", "error_message": ""]
        return json([
            "model_version_status": .array(
                found.map { ["version": .string($0.version), "state": "AVAILABLE", "status": status] }),
            // What KServe's version of the protocol has.
            "name": .string(reference.name.string), "ready": true,
        ])
    }

    /// Says what a model takes and gives.
    func v1Metadata(_ served: Served) -> Response {
        let model = served.model
        func tensor(_ tensor: TensorDescription, shape: [Int]) -> (String, JSONValue) {
            let dimensions = shape.map { ["size": .string(String($0)), "name": ""] as JSONValue }
            let shape: JSONValue = ["dim": .array(dimensions), "unknown_rank": false]
            let description: JSONValue = [
                "dtype": .string(tensor.datatype.tensorFlowName), "tensor_shape": shape,
                "name": .string(tensor.name + ":0"),
            ]
            return (tensor.name, description)
        }
        let signature: JSONValue = [
            // Images come channels last here.
            "inputs": .object(
                model.networkInputs.map { tensor($0, shape: model.takesPictures ? model.pixels.shape : $0.shape) }),
            "outputs": .object(model.outputs.map { tensor($0, shape: $0.shape) }),
            "method_name": "tensorflow/serving/predict",
        ]
        let answer = json([
            "model_spec": [
                "name": .string(model.name), "signature_name": "", "version": .string(model.version),
            ],
            "metadata": ["signature_def": ["signature_def": ["serving_default": signature]]],
        ])
        return signed(answer, model)
    }

    /// Answers `:predict`. Tensors are answered with the network's own output, encoded images with probabilities.
    func v1Predict(_ request: Request, _ served: Served) -> Handling {
        .work { runner in
            let call = try TensorFlowRequest(body(of: request), model: served.model, maxRows: policy.maxBatch)
            return try step(served, call.input, runner, views: views(request, call.views)) { output in
                let answer = Self.tensorFlowAnswer(output.numbers, of: served.model, isColumnar: call.isColumnar)
                // Numbers that are not finite are written as TensorFlow Serving writes them, which is not JSON.
                let body = answer.bytes(allowsNonFinite: true)
                return signed(Response(.ok, contentType: "application/json", body: body), served.model)
            }
        }
    }

    /// The answer to `:predict`: the numbers of the only output, or objects of several by their names, as TensorFlow Serving has it.
    ///
    /// - Parameters:
    ///   - numbers: All that the model answers, row by row; in each, the outputs one behind the other.
    ///   - isColumnar: Whether all rows of an output stand together.
    static func tensorFlowAnswer(_ numbers: [Float], of model: ServedModel, isColumnar: Bool) -> JSONValue {
        // For images of a model with classes they are the probabilities of its only output.
        func values(_ output: TensorDescription, of numbers: [Float], isRow: Bool) -> JSONValue {
            let values = ServedModel.numbers(of: output, among: model.outputs, in: numbers)
            let row = Array(output.shape.dropFirst())
            return .floats(values, shape: isRow ? row : [values.count / max(output.rowCount, 1)] + row)
        }
        func object(_ numbers: [Float], isRow: Bool) -> JSONValue {
            .object(model.outputs.map { ($0.name, values($0, of: numbers, isRow: isRow)) })
        }
        if model.outputs.count == 1 {
            let all = values(model.output, of: numbers, isRow: false)
            return .object([(isColumnar ? "outputs" : "predictions", all)])
        }
        if isColumnar { return ["outputs": object(numbers, isRow: false)] }
        let count = max(model.answerCount, 1)
        return [
            "predictions": .array(
                stride(from: 0, to: numbers.count, by: count).map {
                    object(Array(numbers[$0..<min($0 + count, numbers.count)]), isRow: true)
                })
        ]
    }
}
