// SPDX-License-Identifier: MIT

import Operators
import Tensors

/// Weights that are no layer's own: positions, a token, factors of channels.
///
/// - Source: `torch.nn.Parameter`.
public struct Parameter: Sendable {
    let tensor: Tensor
    let name: String

    /// Takes a tensor from a state dict.
    ///
    /// - Throws: `TensorError` if it is missing or of another shape.
    public init(_ name: String, shape: Shape, weights: StateDict) throws {
        try self.init(name, sizes: shape.dimensions, weights: weights)
    }

    /// The same for sizes that are a layer's numbers.
    init(_ name: String, sizes: [Int], weights: StateDict) throws {
        tensor = try weights.weight(name, sizes: sizes)
        self.name = weights.prefix + name
    }
}

extension Value {
    /// Adds a parameter, which is broadcast to this value's shape as numpy does it.
    public static func + (left: Value, right: Parameter) -> Value { left.combined(.add, with: right) }

    /// Multiplies by a parameter, which is broadcast to this value's shape as numpy does it.
    public static func * (left: Value, right: Parameter) -> Value { left.combined(.mul, with: right) }

    private func combined(_ function: Binary.Function, with parameter: Parameter) -> Value {
        let result = append(
            Binary(function), constants: [(parameter.name, parameter.tensor)], name: parameter.name)
        guard result.shape == shape else {
            return fail(parameter.name, "of shape \(parameter.tensor.shape) is not broadcast to \(shape)")
        }
        return result
    }

    /// Puts a token before those of this value.
    ///
    /// Shape: [L, E] and a parameter of [1, 1, E] → [1 + L, E].
    public func prefixed(with token: Parameter) -> Value {
        guard shape.rank == 2, token.tensor.shape == [1, 1, shape[1]] else {
            return fail(token.name, "of shape \(token.tensor.shape) is no token of \(shape)")
        }
        return append(Concat(axis: 1), constants: [(token.name, token.tensor)], constantsFirst: true, name: token.name)
    }
}
