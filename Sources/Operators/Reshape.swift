// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// The same elements, in row-major sequence, under another shape: Reshape, Flatten, Squeeze, Unsqueeze.
public struct Reshape: Operator {
    /// The new sizes: numbers, without ONNX's 0 and -1.
    public var shape: Shape

    /// Describes the operator.
    public init(_ shape: Shape) { self.shape = shape }

    /// The field's name.
    public var name: String { "Reshape" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] { [("shape", "\(shape)")] }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 1...1)
        guard inputs[0].shape.elementCount == shape.elementCount else {
            throw fault("\(inputs[0].shape) has not as many elements as \(shape)")
        }
        return [Fact(inputs[0].elementType, shape)]
    }

    /// The same bytes.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] { [try inputs[0].reshaped(to: shape)] }
}
