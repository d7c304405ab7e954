// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// Matrices of which only the triangle above or below a diagonal is left; the rest is zero: `torch.triu`, `torch.tril`.
///
/// Shape: [..., M, N] → the same.
public struct Trilu: Operator {
    /// Whether the upper triangle is left.
    public var isUpper: Bool
    /// Which diagonal belongs to it still: 0 is the main one, positive ones are above.
    public var diagonal: Int

    /// Describes the operator.
    public init(isUpper: Bool, diagonal: Int = 0) {
        self.isUpper = isUpper
        self.diagonal = diagonal
    }

    /// The field's name.
    public var name: String { "Trilu" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] {
        [("upper", isUpper ? "1" : "0"), ("k", "\(diagonal)")]
    }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 1...1)
        guard inputs[0].shape.rank >= 2 else { throw fault("takes matrices, not \(inputs[0].shape)") }
        return [Fact(inputs[0].elementType, inputs[0].shape)]
    }

    /// Clears the rest.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let x = inputs[0].shape
        let (rows, columns) = (x[x.rank - 2], x[x.rank - 1])
        let offsets = (0..<x.elementCount).lazy.map { place in
            let (row, column) = (place / columns % rows, place % columns)
            let distance = column - row
            return (isUpper ? distance >= diagonal : distance <= diagonal) ? place : -1
        }
        return [try inputs[0].moved(offsets, to: x)]
    }
}
