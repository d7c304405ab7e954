// SPDX-License-Identifier: MIT

import Graphs
import SystemCalls
import Tensors

/// Softmax along one axis, or its logarithm.
///
/// Shape: any → the same.
public struct Softmax: Operator {
    /// The axis along which the results add up to 1; never negative.
    public var axis: Int
    /// Whether the logarithm is wanted.
    public var isLogarithm: Bool

    /// Describes the operator.
    public init(axis: Int, isLogarithm: Bool = false) {
        self.axis = axis
        self.isLogarithm = isLogarithm
    }

    /// The field's name.
    public var name: String { isLogarithm ? "LogSoftmax" : "Softmax" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] { [("axis", "\(axis)")] }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 1...1)
        guard (0..<inputs[0].shape.rank).contains(axis) else { throw fault("axis \(axis) of \(inputs[0].shape)") }
        return [Fact(inputs[0].elementType, inputs[0].shape)]
    }

    /// Normalises along the axis.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let x = inputs[0]
        let (size, inner) = (x.shape[axis], x.shape.inner(axis))
        var values = x.doubles()
        for block in 0..<x.shape.outer(axis) {
            for lane in 0..<inner {
                let places = (0..<size).map { (block * size + $0) * inner + lane }
                // The largest is taken off, so that nothing overflows.
                let largest = places.map { values[$0] }.max() ?? 0
                let sum = places.reduce(0) { $0 + MathFunctions.exp(values[$1] - largest) }
                for place in places {
                    let difference = values[place] - largest
                    values[place] =
                        isLogarithm ? difference - MathFunctions.log(sum) : MathFunctions.exp(difference) / sum
                }
            }
        }
        return [try Tensor(values, as: x.elementType, shape: x.shape)]
    }
}
