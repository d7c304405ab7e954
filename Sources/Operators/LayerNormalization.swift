// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// Each row along the last axes brought to mean 0 and variance 1, then scaled and shifted: `torch.nn.LayerNorm`.
///
/// Shape: x, scale and bias (both optional) of the normalised axes' shape → x's.
public struct LayerNormalization: Operator {
    /// The first of the axes that are normalised together; never negative.
    public var axis: Int
    /// Added to the variance.
    public var epsilon: Double

    /// Describes the operator.
    public init(axis: Int, epsilon: Double) {
        self.axis = axis
        self.epsilon = epsilon
    }

    /// The field's name.
    public var name: String { "LayerNormalization" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] { [("axis", "\(axis)"), ("epsilon", "\(epsilon)")] }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 1...3)
        let x = inputs[0].shape
        guard (0..<x.rank).contains(axis) else { throw fault("axis \(axis) of \(x)") }
        for parameter in inputs.dropFirst() {
            let shape = try broadcast([parameter.shape, Shape(Array(x.dimensions[axis...]))])
            guard shape.dimensions == Array(x.dimensions[axis...]) else {
                throw fault("scale or bias \(parameter.shape) for \(x) from axis \(axis) on")
            }
        }
        return [Fact(inputs[0].elementType, x)]
    }

    /// Normalises each row.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let x = inputs[0]
        let row = Shape(Array(x.shape.dimensions[axis...]))
        var values = normalized(x.doubles(), rows: row.elementCount, epsilon: epsilon)
        if inputs.count > 1 {
            let places = Array(inputs[1].shape.offsets(broadcastTo: row))
            let scale = inputs[1].doubles()
            for index in values.indices { values[index] *= scale[places[index % places.count]] }
        }
        if inputs.count > 2 {
            let places = Array(inputs[2].shape.offsets(broadcastTo: row))
            let bias = inputs[2].doubles()
            for index in values.indices { values[index] += bias[places[index % places.count]] }
        }
        return [try Tensor(values, as: x.elementType, shape: x.shape)]
    }
}
