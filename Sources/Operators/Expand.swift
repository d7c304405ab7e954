// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// A value repeated along the axes where it has size 1, and along new axes in front, as numpy's broadcasting does it.
public struct Expand: Operator {
    /// The new sizes: what the input is broadcast to.
    public var shape: Shape

    /// Describes the operator.
    public init(_ shape: Shape) { self.shape = shape }

    /// The field's name.
    public var name: String { "Expand" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] { [("shape", "\(shape)")] }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 1...1)
        guard try broadcast([inputs[0].shape, shape]) == shape else {
            throw fault("\(inputs[0].shape) is not broadcast to \(shape)")
        }
        return [Fact(inputs[0].elementType, shape)]
    }

    /// Repeats the elements.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        [try inputs[0].moved(inputs[0].shape.offsets(broadcastTo: shape), to: shape)]
    }
}
