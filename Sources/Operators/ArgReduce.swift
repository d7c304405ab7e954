// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// The index of the largest or smallest element along an axis.
///
/// Shape: [A, n, B] → [A, 1, B] or [A, B], Int64.
public struct ArgReduce: Operator {
    /// Whether the largest is looked for, or the smallest.
    public var isMax: Bool
    /// The axis; never negative.
    public var axis: Int
    /// Whether the axis stays, with size 1.
    public var keepDimensions: Bool
    /// Of several equal ones, whether the last is taken.
    public var takesLast: Bool

    /// Describes the operator.
    public init(isMax: Bool, axis: Int, keepDimensions: Bool, takesLast: Bool = false) {
        self.isMax = isMax
        self.axis = axis
        self.keepDimensions = keepDimensions
        self.takesLast = takesLast
    }

    /// The field's name.
    public var name: String { isMax ? "ArgMax" : "ArgMin" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] {
        [("axis", "\(axis)"), ("keepdims", keepDimensions ? "1" : "0")]
    }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 1...1)
        var dimensions = inputs[0].shape.dimensions
        guard dimensions.indices.contains(axis), dimensions[axis] > 0 else {
            throw fault("axis \(axis) of \(inputs[0].shape)")
        }
        if keepDimensions { dimensions[axis] = 1 } else { dimensions.remove(at: axis) }
        return [Fact(.int64, Shape(dimensions))]
    }

    /// Looks for the index.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let x = inputs[0]
        let result = try outputs(for: [Fact(x.elementType, x.shape)])[0]
        let (size, inner) = (x.shape[axis], x.shape.inner(axis))
        let elements = x.doubles()
        let indices = (0..<result.elementCount).map { place in
            let start = place / inner * size * inner + place % inner
            return (0..<size).reduce(0) { best, index in
                let (old, new) = (elements[start + best * inner], elements[start + index * inner])
                return isMax
                    ? (new > old || takesLast && new == old ? index : best)
                    : (new < old || takesLast && new == old ? index : best)
            }
        }
        return [try Tensor(indices, as: .int64, shape: result.shape)]
    }
}
