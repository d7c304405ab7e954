// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// Slices of the first input along an axis, chosen by indices; negative ones count from the end.
///
/// Shape: data [A, n, B], indices I → [A, I, B] for an axis in the middle.
public struct Gather: Operator {
    /// The axis; never negative.
    public var axis: Int

    /// Describes the operator.
    public init(axis: Int) { self.axis = axis }

    /// The field's name.
    public var name: String { "Gather" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] { [("axis", "\(axis)")] }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 2...2)
        let x = inputs[0].shape.dimensions
        guard x.indices.contains(axis) else { throw fault("axis \(axis) of \(inputs[0].shape)") }
        guard [.int64, .int32].contains(inputs[1].elementType) else {
            throw fault("indices of type \(inputs[1].elementType.rawValue)")
        }
        return [
            Fact(inputs[0].elementType, try Shape(checking: x[..<axis] + inputs[1].shape.dimensions + x[(axis + 1)...]))
        ]
    }

    /// Takes the slices.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let x = inputs[0].shape
        let indices = try self.indices(inputs[1].integers(), below: x[axis])
        let (outer, inner) = (x.outer(axis), x.inner(axis))
        let offsets = (0..<outer).lazy.flatMap { block in
            indices.lazy.flatMap { index in
                let start = (block * x[axis] + index) * inner
                return start..<(start + inner)
            }
        }
        let shape = Shape(x.dimensions[..<axis] + inputs[1].shape.dimensions + x.dimensions[(axis + 1)...])
        return [try inputs[0].moved(offsets, to: shape)]
    }
}
