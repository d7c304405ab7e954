// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// Axes in another order: output axis i is input axis `permutation[i]`.
public struct Transpose: Operator {
    /// For each output axis, the input's.
    public var permutation: [Int]

    /// Describes the operator.
    public init(_ permutation: [Int]) { self.permutation = permutation }

    /// The field's name.
    public var name: String { "Transpose" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] { [("perm", "\(permutation)")] }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 1...1)
        let x = inputs[0].shape
        guard permutation.sorted() == Array(0..<x.rank) else { throw fault("permutation \(permutation) of \(x)") }
        return [Fact(inputs[0].elementType, Shape(permutation.map { x[$0] }))]
    }

    /// Moves the elements.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let x = inputs[0].shape
        let dimensions = permutation.map { x[$0] }
        let offsets = Offsets(dimensions, strides: permutation.map { x.strides[$0] })
        return [try inputs[0].moved(offsets, to: Shape(dimensions))]
    }
}
