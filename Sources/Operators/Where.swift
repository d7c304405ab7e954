// SPDX-License-Identifier: MIT

import Graphs
import Tensors

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

    /// Chooses the elements.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let shape = try broadcast(inputs.map(\.shape))
        let chosen = zip(inputs[0].shape.offsets(broadcastTo: shape), inputs[1].shape.offsets(broadcastTo: shape))
        let condition = inputs[0].integers()
        let right = try inputs[2].moved(inputs[2].shape.offsets(broadcastTo: shape), to: shape)
        let pairs = chosen.enumerated().compactMap { place, offsets in
            condition[offsets.0] == 0 ? nil : (target: place, source: offsets.1)
        }
        return [try right.replacing(pairs, by: inputs[1])]
    }
}
