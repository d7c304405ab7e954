// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// (x - zero point) * scale.
///
/// Shape: x, scale, zero point (optional, of the scale's shape) → x's, of the scale's type.
public struct DequantizeLinear: Operator {
    /// How the scales are spread over the elements.
    public var quantization: Quantization

    /// Describes the operator.
    public init(_ quantization: Quantization) { self.quantization = quantization }

    /// The field's name.
    public var name: String { "DequantizeLinear" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] { quantization.attributes }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 2...3)
        try quantization.check(inputs[1].shape, for: inputs[0].shape, of: self)
        guard inputs.count == 2 || inputs[2].shape.elementCount == inputs[1].shape.elementCount else {
            throw fault("zero point \(inputs[2].shape) for scale \(inputs[1].shape)")
        }
        return [Fact(inputs[1].elementType, inputs[0].shape)]
    }

    /// Scales each element.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let (x, scale) = (inputs[0].doubles(), inputs[1].doubles())
        let zero = inputs.count > 2 ? inputs[2].doubles() : [Double](repeating: 0, count: scale.count)
        let places = quantization.places(inputs[1].shape, for: inputs[0].shape)
        let values = zip(x, places).map { ($0 - zero[$1]) * scale[$1] }
        return [try Tensor(values, as: inputs[1].elementType, shape: inputs[0].shape)]
    }
}
