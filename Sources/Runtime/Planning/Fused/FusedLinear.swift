// SPDX-License-Identifier: MIT

import Graphs
import Kernels
import Operators
import Tensors

/// A linear layer with what its kernel does besides: activation(x · weightᵀ + bias + residual).
///
/// Inputs: x, weight; then those that the flags name, in this order: bias, residual.
struct FusedLinear: Operator {
    var hasBias: Bool
    var hasResidual = false
    var activation = Activation.none
    /// Whether the weights are [K, N], as MatMul has them, not [N, K].
    var hasTransposedWeight = false
    /// Whether x is an image [1, C, H, W] that stands for the vector of all its elements.
    var flattensImage = false

    var name: String { "Linear" }

    var attributes: [(name: String, value: String)] {
        [("fused", fusedNames.joined(separator: "+"))].filter { !$0.1.isEmpty }
            + (flattensImage ? [("flatten", "1")] : [])
    }

    /// What is fused, as summaries name it.
    var fusedNames: [String] {
        (hasResidual ? ["add"] : []) + (activation == .none ? [] : ["\(activation)"])
    }

    func outputs(for inputs: [Fact]) throws -> [Fact] {
        let count = 2 + (hasBias ? 1 : 0) + (hasResidual ? 1 : 0)
        guard inputs.count == count else {
            throw GraphError.invalidInput(operator: name, reason: "takes \(count) inputs, not \(inputs.count)")
        }
        var x = inputs[0]
        if flattensImage { x = Fact(x.elementType, [x.shape[0], x.shape.elementCount / max(1, x.shape[0])]) }
        var weight = inputs[1]
        if hasTransposedWeight, weight.shape.rank == 2 {
            weight = Fact(weight.elementType, [weight.shape[1], weight.shape[0]])
        }
        let result = try Linear().outputs(for: [x, weight] + (hasBias ? [inputs[2]] : []))
        if hasResidual, inputs[count - 1].shape != result[0].shape {
            throw GraphError.invalidInput(
                operator: name, reason: "residual \(inputs[count - 1].shape), expected \(result[0].shape)")
        }
        return result
    }

    func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        var x = inputs[0]
        if flattensImage { x = try x.reshaped(to: [x.shape[0], x.shape.elementCount / max(1, x.shape[0])]) }
        let weight = hasTransposedWeight ? try Transpose([1, 0]).evaluate([inputs[1]])[0] : inputs[1]
        var result = try Linear().evaluate([x, weight] + (hasBias ? [inputs[2]] : []))[0]
        if hasResidual { result = try Binary(.add).evaluate([result, inputs[inputs.count - 1]])[0] }
        if let function = activation.function { result = try Unary(function).evaluate([result])[0] }
        return [result]
    }
}
