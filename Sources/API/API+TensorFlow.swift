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
        func tensor(_ tensor: TensorDescription, shape: [Int]) -> JSONValue {
            let dimensions = shape.map { ["size": .string(String($0)), "name": ""] as JSONValue }
            let shape: JSONValue = ["dim": .array(dimensions), "unknown_rank": false]
            let description: JSONValue = [
                "dtype": .string(tensor.datatype.tensorFlowName), "tensor_shape": shape,
                "name": .string(tensor.name + ":0"),
            ]
            return .object([(tensor.name, description)])
        }
        let signature: JSONValue = [
            // Images come channels last here.
            "inputs": tensor(model.input, shape: model.pixels.shape),
            "outputs": tensor(model.output, shape: model.output.shape),
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
            let call = try TensorFlowRequest(body(of: request), model: served.model, maxRows: policy.maxBatch)
            return try step(served, call.input, runner, views: views(request, call.views)) { output in
                let values = output.numbers
                let rowCount = served.model.output.rowCount
                let shape = [values.count / max(rowCount, 1)] + served.model.output.shape.dropFirst()
                let key = call.isColumnar ? "outputs" : "predictions"
                // Numbers that are not finite are written as TensorFlow Serving writes them, which is not JSON.
                let body = JSONValue.object([(key, .floats(values, shape: shape))]).bytes(allowsNonFinite: true)
                return signed(Response(.ok, contentType: "application/json", body: body), served.model)
            }
        }
    }
}
