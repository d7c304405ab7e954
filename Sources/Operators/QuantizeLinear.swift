// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// round(x / scale) + zero point, held within the type's range; halves go to the even integer.
///
/// Shape: x, scale, zero point (optional, of the scale's shape) → x's.
public struct QuantizeLinear: Operator {
    /// Int8, UInt8, Int16 or Int32.
    public var elementType: ElementType
    /// How the scales are spread over the elements.
    public var quantization: Quantization

    /// Describes the operator.
    public init(to elementType: ElementType, _ quantization: Quantization) {
        self.elementType = elementType
        self.quantization = quantization
    }

    /// The field's name.
    public var name: String { "QuantizeLinear" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] {
        [("to", elementType.rawValue)] + quantization.attributes
    }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 2...3)
        guard elementType.integerRange != nil else { throw fault("integers of type \(elementType.rawValue)") }
        try quantization.check(inputs[1].shape, for: inputs[0].shape, of: self)
        guard inputs.count == 2 || inputs[2].shape.elementCount == inputs[1].shape.elementCount else {
            throw fault("zero point \(inputs[2].shape) for scale \(inputs[1].shape)")
        }
        return [Fact(elementType, inputs[0].shape)]
    }

    /// Rounds each element.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let range = elementType.integerRange ?? 0...0
        let (x, scale) = (inputs[0].doubles(), inputs[1].doubles())
        let zero = inputs.count > 2 ? inputs[2].integers() : [Int](repeating: 0, count: scale.count)
        let places = quantization.places(inputs[1].shape, for: inputs[0].shape)
        let values = zip(x, places).map { value, place -> Int in
            // In Float, as everyone does it: the quotient decides what is a half.
            let rounded = (Float(value) / Float(scale[place])).rounded(.toNearestOrEven)
            let bounded = Swift.min(Swift.max(rounded, -0x1p40), 0x1p40)
            let integer = (bounded.isNaN ? 0 : Int(bounded)) + zero[place]
            return Swift.min(Swift.max(integer, range.lowerBound), range.upperBound)
        }
        return [try Tensor(values, as: elementType, shape: inputs[0].shape)]
    }
}

extension ElementType {
    /// The integers of a type of 32 bits or fewer.
    var integerRange: ClosedRange<Int>? {
        switch self {
        case .int8: Int(Int8.min)...Int(Int8.max)
        case .uint8: 0...255
        case .int16: Int(Int16.min)...Int(Int16.max)
        case .int32: Int(Int32.min)...Int(Int32.max)
        default: nil
        }
    }
}
