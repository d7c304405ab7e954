// SPDX-License-Identifier: MIT

import Graphs
import Kernels
import Operators
import Tensors

/// A convolution with what its kernel does besides: activation((x * scale) convolved, normalised + residual).
///
/// Inputs: x, weight; then those that the flags name, in this order: bias; the batch norm's scale, bias, mean and variance; the
/// factors of x's channels [1, C, 1, 1]; the residual. With `hasRowSums` a second output [1, H', M] holds the sums of the
/// first one's rows.
struct FusedConvolution: Operator {
    var convolution: Convolution
    var hasBias: Bool
    /// The epsilon of a batch norm behind the convolution.
    var batchNormEpsilon: Double?
    var hasScale = false
    var hasResidual = false
    var activation = Activation.none
    var hasRowSums = false

    var name: String { "Conv" }

    var attributes: [(name: String, value: String)] {
        convolution.attributes + [("fused", fusedNames.joined(separator: "+"))].filter { !$0.1.isEmpty }
    }

    /// Whether each channel of an image has one filter of its own.
    func isDepthwise(_ image: Shape, weight: Shape) -> Bool {
        convolution.groups > 1 && convolution.groups == image[1] && convolution.groups == weight[0]
    }

    /// What is fused, as summaries name it.
    var fusedNames: [String] {
        var names: [String] = []
        if batchNormEpsilon != nil { names.append("batch_norm") }
        if hasResidual { names.append("add") }
        if activation != .none { names.append("\(activation)") }
        return names
    }

    /// The inputs by what they are.
    struct Operands<Element> {
        var x: Element
        var weight: Element
        var bias: Element?
        /// Scale, bias, mean, variance.
        var batchNorm: [Element] = []
        var scale: Element?
        var residual: Element?

        /// All of them in the operator's order.
        var all: [Element] {
            [x, weight] + [bias].compactMap(\.self) + batchNorm + [scale, residual].compactMap(\.self)
        }
    }

    func operands<Element>(_ inputs: [Element]) -> Operands<Element> {
        var rest = inputs.dropFirst(2)
        var operands = Operands(x: inputs[0], weight: inputs[1])
        if hasBias { operands.bias = rest.popFirst() }
        if batchNormEpsilon != nil { operands.batchNorm = (0..<4).compactMap { _ in rest.popFirst() } }
        if hasScale { operands.scale = rest.popFirst() }
        if hasResidual { operands.residual = rest.popFirst() }
        return operands
    }

    func outputs(for inputs: [Fact]) throws -> [Fact] {
        let count =
            2 + (hasBias ? 1 : 0) + (batchNormEpsilon == nil ? 0 : 4) + (hasScale ? 1 : 0) + (hasResidual ? 1 : 0)
        guard inputs.count == count else {
            throw GraphError.invalidInput(operator: name, reason: "takes \(count) inputs, not \(inputs.count)")
        }
        let operands = operands(inputs)
        var result = try convolution.outputs(for: [operands.x, operands.weight] + [operands.bias].compactMap(\.self))
        if let residual = operands.residual, residual.shape != result[0].shape {
            throw GraphError.invalidInput(
                operator: name, reason: "residual \(residual.shape), expected \(result[0].shape)")
        }
        if hasRowSums {
            let shape = result[0].shape
            result.append(Fact(.float32, [shape[0], shape[2], shape[1]]))
        }
        return result
    }

    func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let operands = operands(inputs)
        let x = try operands.scale.map { try Binary(.mul).evaluate([operands.x, $0])[0] } ?? operands.x
        var result = try convolution.evaluate([x, operands.weight] + [operands.bias].compactMap(\.self))[0]
        if let epsilon = batchNormEpsilon {
            result = try BatchNormalization(epsilon: epsilon).evaluate([result] + operands.batchNorm)[0]
        }
        if let residual = operands.residual { result = try Binary(.add).evaluate([result, residual])[0] }
        if let function = activation.function { result = try Unary(function).evaluate([result])[0] }
        guard hasRowSums else { return [result] }
        let sums = try Reduce(.sum, axes: [3], keepDimensions: false).evaluate([result])[0]
        return [result, try Transpose([0, 2, 1]).evaluate([sums])[0]]
    }
}
