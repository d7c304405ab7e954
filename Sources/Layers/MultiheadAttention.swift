// SPDX-License-Identifier: MIT

import Operators
import Tensors

/// Attention of tokens to each other, in several heads.
///
/// Shape: [L, E] → the same: one row for each token. `heads` divides E.
///
/// - Source: `torch.nn.MultiheadAttention` with itself as key and value; Vaswani et al., "Attention Is All You Need".
public struct MultiheadAttention: Layer {
    /// Number of heads.
    public let heads: Int
    let queryKeyValue: Linear
    let projection: Linear

    /// Takes the products of one layer that gives queries, keys and values side by side, and of the one behind the heads.
    ///
    /// `heads` divides the width, and `queryKeyValue` gives three times as much.
    public init(heads: Int, queryKeyValue: Linear, projection: Linear) {
        self.heads = heads
        self.queryKeyValue = queryKeyValue
        self.projection = projection
    }

    /// Takes `in_proj_weight`, `in_proj_bias` and `out_proj` from a state dict.
    ///
    /// - Throws: `TensorError` if they are missing or of another shape.
    public init(_ width: Int, heads: Int, weights: StateDict) throws {
        self.init(
            heads: heads,
            queryKeyValue: try Linear(width, 3 * width, namesPrefix: "in_proj_", weights: weights),
            projection: try Linear(width, width, weights: weights["out_proj"]))
    }

    /// Records the attention of tokens.
    public func callAsFunction(_ input: Value) -> Value {
        let width = projection.inFeatures
        guard input.shape.rank == 2, input.shape[1] == width else {
            return input.fail(projection.name, "takes tokens [L, \(width)], not \(input.shape)")
        }
        guard heads > 0, width % heads == 0, queryKeyValue.outFeatures == 3 * width else {
            return input.fail(
                projection.name,
                "has \(heads) heads, a width of \(width) and \(queryKeyValue.outFeatures) features of queries, keys and values: "
                    + "expected heads that divide the width, and three times the width")
        }
        let (tokens, depth) = (input.shape[0], width / heads)
        let parts = queryKeyValue(input).reshaped(tokens, 3, heads, depth).permuted(1, 2, 0, 3)
        let (query, key, value) = (
            parts.narrowed(axis: 0, to: 0..<1).reshaped(heads, tokens, depth),
            parts.narrowed(axis: 0, to: 1..<2).reshaped(heads, tokens, depth),
            parts.narrowed(axis: 0, to: 2..<3).reshaped(heads, tokens, depth)
        )
        let attended = query.append(
            Attention(scale: 1 / Double(depth).squareRoot()), with: [key, value], name: projection.name)
        return projection(attended.permuted(1, 0, 2).reshaped(tokens, width))
    }
}
