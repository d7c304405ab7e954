// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// Each row along the last axes divided by the root of its mean square, then scaled: `torch.nn.RMSNorm`.
///
/// Shape: x, scale of a shape that is broadcast to the normalised axes' → x's.
public struct RMSNormalization: Operator {
    /// The first of the axes that are normalised together; never negative.
    public var axis: Int
    /// Added to the mean square.
    public var epsilon: Double

    /// Describes the operator.
    public init(axis: Int, epsilon: Double) {
        self.axis = axis
        self.epsilon = epsilon
    }

    /// The field's name.
    public var name: String { "RMSNormalization" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] { [("axis", "\(axis)"), ("epsilon", "\(epsilon)")] }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 2...2)
        let x = inputs[0].shape
        guard (0..<x.rank).contains(axis) else { throw fault("axis \(axis) of \(x)") }
        let row = Shape(Array(x.dimensions[axis...]))
        guard try broadcast([inputs[1].shape, row]) == row else {
            throw fault("scale \(inputs[1].shape) for \(x) from axis \(axis) on")
        }
        return [Fact(inputs[0].elementType, x)]
    }

    /// Normalises each row.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let x = inputs[0]
        let row = Shape(Array(x.shape.dimensions[axis...]))
        let places = Array(inputs[1].shape.offsets(broadcastTo: row))
        let scale = inputs[1].doubles()
        var values = x.doubles()
        for start in stride(from: 0, to: values.count, by: max(row.elementCount, 1)) {
            let square = (0..<row.elementCount).reduce(0) { $0 + values[start + $1] * values[start + $1] }
            let factor = 1 / (square / Double(row.elementCount) + epsilon).squareRoot()
            for index in 0..<row.elementCount { values[start + index] *= factor * scale[places[index]] }
        }
        return [try Tensor(values, as: x.elementType, shape: x.shape)]
    }
}
