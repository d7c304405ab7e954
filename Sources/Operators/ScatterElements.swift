// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// The first input with single elements replaced, each at its own place but for one coordinate, which the indices say:
/// `torch.scatter`.
///
/// Shape: data, indices I of the same rank, updates I → data's.
public struct ScatterElements: Operator {
    /// The axis whose coordinate the indices say; never negative.
    public var axis: Int
    /// What becomes of the old element.
    public var reduction: ScatterReduction

    /// Describes the operator.
    public init(axis: Int, reduction: ScatterReduction = .none) {
        self.axis = axis
        self.reduction = reduction
    }

    /// The field's name.
    public var name: String { "ScatterElements" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] {
        [("axis", "\(axis)"), ("reduction", reduction.rawValue)]
    }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 3...3)
        let (x, indices) = (inputs[0].shape, inputs[1].shape)
        guard (0..<x.rank).contains(axis), indices.rank == x.rank, inputs[2].shape == indices,
            inputs[2].elementType == inputs[0].elementType, [.int64, .int32].contains(inputs[1].elementType),
            (0..<x.rank).allSatisfy({ $0 == axis || indices[$0] <= x[$0] })
        else { throw fault("axis \(axis), indices \(inputs[1]), updates \(inputs[2]) of \(inputs[0])") }
        return [Fact(inputs[0].elementType, x)]
    }

    /// Replaces the elements.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let x = inputs[0].shape
        let indices = try self.indices(inputs[1].integers(), below: x[axis])
        let targets = elementOffsets(indices, inputs[1].shape, axis: axis, in: x)
        let pairs = targets.enumerated().map { (target: $0.element, source: $0.offset) }
        return [try reduction.applied(pairs, to: inputs[0], updates: inputs[2])]
    }
}
