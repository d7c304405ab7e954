// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// The bits of the elements as those of another type of the same size: `torch.Tensor.view(dtype)`. Of bits that are read as truths,
/// anything but zero is true.
///
/// Shape: any → the same.
public struct BitCast: Operator {
    /// The new type.
    public var elementType: ElementType

    /// Describes the operator.
    public init(to elementType: ElementType) { self.elementType = elementType }

    /// The field's name.
    public var name: String { "BitCast" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] { [("to", elementType.rawValue)] }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 1...1)
        let old = inputs[0].elementType
        guard old.byteCount == elementType.byteCount else {
            throw fault(
                "an element of \(old.rawValue) has \(old.byteCount) bytes, one of \(elementType.rawValue) has "
                    + "\(elementType.byteCount)")
        }
        return [Fact(elementType, inputs[0].shape)]
    }

    /// Reads the same bytes.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let x = inputs[0]
        if elementType == .bool {
            let bits = try Tensor(
                shape: x.shape, elementType: .uint8, storage: x.storage, byteOffset: x.byteOffset)
            return [try Tensor(bits.integers().map { $0 == 0 ? 0 : 1 }, as: .bool, shape: x.shape)]
        }
        return [
            try Tensor(shape: x.shape, elementType: elementType, storage: x.storage, byteOffset: x.byteOffset)
        ]
    }
}
