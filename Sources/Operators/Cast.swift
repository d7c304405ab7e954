// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// Elements as another type, rounded towards zero where it is of integers; anything but zero is true.
///
/// Shape: any → the same.
public struct Cast: Operator {
    /// The new type.
    public var elementType: ElementType

    /// Describes the operator.
    public init(to elementType: ElementType) { self.elementType = elementType }

    /// The field's name.
    public var name: String { "Cast" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] { [("to", elementType.rawValue)] }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 1...1)
        return [Fact(elementType, inputs[0].shape)]
    }

    /// Converts the elements.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] { [try inputs[0].converted(to: elementType)] }
}
