// SPDX-License-Identifier: MIT

import Layers
import Tensors

extension Predictor {
    /// Runs the network on tensors, by the names that its file has for its inputs: `model.plan.inputs`.
    ///
    /// Shape: [N, ...] for each input, N rows of all of them → [N, ...] for each output, Float32. The bits of a row's answer
    /// don't depend on the others.
    ///
    /// - Parameter inputs: A tensor of Float32 for each input.
    /// - Returns: A tensor for each output, in the file's order.
    /// - Throws: `InferenceError.wrongTensors` if one is missing, is none of the network's, or has another type or shape.
    public func outputs(of inputs: [String: Tensor]) throws -> [(name: String, tensor: Tensor)] {
        let ports = model.plan.inputs
        if let unknown = inputs.keys.sorted().first(where: { name in !ports.contains { $0.name == name } }) {
            throw InferenceError.wrongTensors(
                reason: "there is no input '\(unknown)'; the network takes \(shownInputs)")
        }
        return try outputs(
            of: ports.map { port in
                guard let tensor = inputs[port.name] else {
                    throw InferenceError.wrongTensors(
                        reason: "the input '\(port.name)' is missing; the network takes \(shownInputs)")
                }
                return tensor
            })
    }

    /// The same with the inputs in the order of the network's file.
    ///
    /// - Throws: `InferenceError.wrongTensors`, for another number of tensors too.
    public func outputs(of inputs: [Tensor]) throws -> [(name: String, tensor: Tensor)] {
        let ports = model.plan.inputs
        guard inputs.count == ports.count else {
            throw InferenceError.wrongTensors(
                reason: "there are \(inputs.count) tensors; the network takes \(shownInputs)")
        }
        let count = inputs.first?.shape.dimensions.first ?? 0
        for (tensor, port) in zip(inputs, ports) {
            guard tensor.elementType == .float32, port.elementType == .float32, count > 0,
                tensor.shape.dimensions == [count] + port.shape.dimensions
            else {
                throw InferenceError.wrongTensors(
                    reason: "the input '\(port.name)' is \(tensor.elementType.rawValue) \(tensor.shape); expected "
                        + "\(port.elementType.rawValue) \(Shape([max(count, 1)] + port.shape.dimensions)), "
                        + "as many rows for each input")
            }
        }
        let rows = Self.interleaved(inputs.map { $0.floats() }, count: count)
        let numbers = numbers(of: rows, count: count)
        let width = model.plan.outputs.reduce(0) { $0 + $1.shape.elementCount }
        var start = 0
        return model.plan.outputs.map { port in
            let (first, size) = (start, port.shape.elementCount)
            start += size
            let values = (0..<count).flatMap { numbers[($0 * width + first)..<($0 * width + first + size)] }
            return (port.name, Tensor(values, shape: Shape([count] + port.shape.dimensions)))
        }
    }

    /// Rows with all inputs, one behind the other.
    private static func interleaved(_ inputs: [[Float]], count: Int) -> [Float] {
        if inputs.count == 1 { return inputs[0] }
        return (0..<count).flatMap { row in
            inputs.flatMap { values in
                let size = values.count / count
                return values[(row * size)..<((row + 1) * size)]
            }
        }
    }

    /// The inputs for people: "'left' f32 [3, 8, 8], 'right' f32 [4]".
    private var shownInputs: String {
        model.plan.inputs.map { "'\($0.name)' \($0.elementType.rawValue) \($0.shape)" }.joined(separator: ", ")
    }
}
