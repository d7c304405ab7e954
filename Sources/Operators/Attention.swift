// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// softmax(scale * query · keyᵀ + mask) · value, for stacks of matrices: `torch.nn.functional.scaled_dot_product_attention`.
///
/// Shape: query [..., L, E], key [..., S, E], value [..., S, V], mask (optional) broadcast to [..., L, S] → [..., L, V].
public struct Attention: Operator {
    /// What the products are multiplied by: 1 / sqrt(E) by default in PyTorch.
    public var scale: Double

    /// Describes the operator.
    public init(scale: Double) { self.scale = scale }

    /// The field's name.
    public var name: String { "Attention" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] { [("scale", "\(scale)")] }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 3...4)
        let shapes = inputs.map(\.shape)
        let (query, key, value) = (shapes[0], shapes[1], shapes[2])
        let rank = query.rank
        guard rank >= 2, key.rank == rank, value.rank == rank,
            key.dimensions.dropLast(2) == query.dimensions.dropLast(2),
            value.dimensions.dropLast(2) == query.dimensions.dropLast(2),
            query[rank - 1] == key[rank - 1], key[rank - 2] == value[rank - 2]
        else { throw fault("query \(query), key \(key), value \(value)") }
        if inputs.count == 4 {
            let scores = Shape(query.dimensions.dropLast(1) + [key[rank - 2]])
            guard try broadcast([shapes[3], scores]) == scores else { throw fault("mask \(shapes[3]) for \(scores)") }
        }
        return [Fact(inputs[0].elementType, try Shape(checking: query.dimensions.dropLast(1) + [value[rank - 1]]))]
    }

    /// Attends, row by row.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let query = inputs[0]
        let rank = query.shape.rank
        var last = Array(0..<rank)
        last.swapAt(rank - 2, rank - 1)
        // In Double throughout: the scores are not rounded to the inputs' type.
        let exact = try inputs.map { try $0.elementType == .bool ? $0 : $0.converted(to: .float64) }
        let transposed = try Transpose(last).evaluate([exact[1]])[0]
        var scores = try MatMul().evaluate([exact[0], transposed])[0]
        scores = try Tensor(scores.doubles().map { $0 * scale }, as: .float64, shape: scores.shape)
        if inputs.count == 4 {
            var mask = exact[3]
            if mask.elementType == .bool {
                mask = try Tensor(mask.doubles().map { $0 == 0 ? -.infinity : 0 }, as: .float64, shape: mask.shape)
            }
            scores = try Binary(.add).evaluate([scores, mask])[0]
        }
        let weights = try Softmax(axis: rank - 1).evaluate([scores])[0]
        return [try MatMul().evaluate([weights, exact[2]])[0].converted(to: query.elementType)]
    }
}
