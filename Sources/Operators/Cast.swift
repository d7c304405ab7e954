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
}

/// The left element where the condition holds, the right one elsewhere; all three broadcast together.
public struct Where: Operator {
    /// Makes the operator; it has no attributes.
    public init() {}

    /// The field's name.
    public var name: String { "Where" }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 3...3)
        guard inputs[0].elementType == .bool, inputs[1].elementType == inputs[2].elementType else {
            throw fault(
                "takes a condition and two values of one type, not \(inputs.map(\.elementType.rawValue).joined(separator: ", "))"
            )
        }
        return [Fact(inputs[1].elementType, try broadcast(inputs.map(\.shape)))]
    }
}

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
}
