// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// The first input with slices replaced, chosen by tuples of indices: the last axis of the second input is a tuple.
///
/// Shape: data [D1 ... Dk, R], indices [I, k], updates [I, R] → data's.
public struct ScatterND: Operator {
    /// What becomes of the old elements.
    public var reduction: ScatterReduction

    /// Describes the operator.
    public init(reduction: ScatterReduction = .none) { self.reduction = reduction }

    /// The field's name.
    public var name: String { "ScatterND" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] { [("reduction", reduction.rawValue)] }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 3...3)
        let (x, indices) = (inputs[0].shape.dimensions, inputs[1].shape.dimensions)
        guard inputs[1].elementType == .int64 || inputs[1].elementType == .int32, let count = indices.last,
            count <= x.count, inputs[2].shape.dimensions == indices.dropLast() + x[count...],
            inputs[2].elementType == inputs[0].elementType
        else { throw fault("indices \(inputs[1]), updates \(inputs[2]) of \(inputs[0])") }
        return [Fact(inputs[0].elementType, inputs[0].shape)]
    }

    /// Replaces the slices.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let count = inputs[1].shape[inputs[1].shape.rank - 1]
        let size = inputs[0].shape.dimensions[count...].reduce(1, *)
        let starts = try tupleOffsets(inputs[1], in: inputs[0].shape)
        let pairs = starts.enumerated().flatMap { place, start in
            (0..<size).map { (target: start + $0, source: place * size + $0) }
        }
        return [try reduction.applied(pairs, to: inputs[0], updates: inputs[2])]
    }
}
