// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// A matrix product with constant weights: `torch.nn.functional.linear`, ONNX's Gemm with transB.
///
/// Shape: x [..., K], weight [N, K], bias [N] (optional) → [..., N].
public struct Linear: Operator {
    /// Makes the operator; it has no attributes.
    public init() {}

    /// The field's name.
    public var name: String { "Linear" }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 2...3)
        let (x, weight) = (inputs[0].shape, inputs[1].shape)
        guard x.rank >= 1, weight.rank == 2, x[x.rank - 1] == weight[1] else {
            throw fault("weights \(weight) do not fit \(x)")
        }
        if inputs.count == 3, inputs[2].shape != [weight[0]] {
            throw fault("bias \(inputs[2].shape), expected [\(weight[0])]")
        }
        return [Fact(inputs[0].elementType, try Shape(checking: x.dimensions.dropLast() + [weight[0]]))]
    }

    /// Multiplies the matrices.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let (x, weight) = (inputs[0].doubles(), inputs[1].doubles())
        let (n, k) = (inputs[1].shape[0], inputs[1].shape[1])
        let bias = inputs.count > 2 ? inputs[2].doubles() : [Double](repeating: 0, count: n)
        let rank = inputs[0].shape.rank
        let rows = inputs[0].shape.outer(rank - 1)
        var values: [Double] = []
        values.reserveCapacity(rows * n)
        for row in 0..<rows {
            for column in 0..<n {
                var sum = 0.0
                for depth in 0..<k { sum += x[row * k + depth] * weight[column * k + depth] }
                values.append(sum + bias[column])
            }
        }
        let shape = Shape(inputs[0].shape.dimensions.dropLast() + [n])
        return [try Tensor(values, as: inputs[0].elementType, shape: shape)]
    }
}
