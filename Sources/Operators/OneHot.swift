// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// Rows in which one element is on and the others are off. An index beyond the row turns none on.
///
/// Shape: indices I, values [2] (off, on) → I with a new axis of `depth`.
public struct OneHot: Operator {
    /// Where the new axis stands; never negative.
    public var axis: Int
    /// Its size.
    public var depth: Int

    /// Describes the operator.
    public init(axis: Int, depth: Int) {
        self.axis = axis
        self.depth = depth
    }

    /// The field's name.
    public var name: String { "OneHot" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] { [("axis", "\(axis)"), ("depth", "\(depth)")] }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 2...2)
        var dimensions = inputs[0].shape.dimensions
        guard (0...dimensions.count).contains(axis), depth >= 0, inputs[1].shape == [2] else {
            throw fault("depth \(depth) at axis \(axis) of \(inputs[0].shape), values \(inputs[1].shape)")
        }
        dimensions.insert(depth, at: axis)
        return [Fact(inputs[1].elementType, try Shape(checking: dimensions))]
    }

    /// Turns the elements on.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let shape = try outputs(for: inputs.map { Fact($0.elementType, $0.shape) })[0].shape
        let indices = inputs[0].integers()
        let inner = shape.inner(axis)
        let offsets = (0..<shape.elementCount).lazy.map { place in
            let index = indices[place / (depth * inner) * inner + place % inner]
            return (index < 0 ? index + depth : index) == place / inner % depth ? 1 : 0
        }
        return [try inputs[1].moved(offsets, to: shape)]
    }
}
