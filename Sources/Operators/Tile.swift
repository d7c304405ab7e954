// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// A value repeated so many times along each axis: `torch.tile`.
///
/// Shape: any → each size times its repeats.
public struct Tile: Operator {
    /// For each axis, how many times.
    public var repeats: [Int]

    /// Describes the operator.
    public init(_ repeats: [Int]) { self.repeats = repeats }

    /// The field's name.
    public var name: String { "Tile" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] { [("repeats", "\(repeats)")] }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 1...1)
        let x = inputs[0].shape.dimensions
        guard repeats.count == x.count, repeats.allSatisfy({ $0 >= 0 }) else {
            throw fault("repeats \(repeats) of \(inputs[0].shape)")
        }
        let products = zip(x, repeats).map { $0.multipliedReportingOverflow(by: $1) }
        guard !products.contains(where: \.overflow) else { throw fault("repeats \(repeats) of \(inputs[0].shape)") }
        return [Fact(inputs[0].elementType, try Shape(checking: products.map(\.partialValue)))]
    }

    /// Repeats the elements.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let x = inputs[0].shape
        let shape = Shape(zip(x.dimensions, repeats).map { $0 * $1 })
        // Each axis as two: which repetition, and where in it.
        let dimensions = zip(repeats, x.dimensions).flatMap { [$0, $1] }
        let offsets = Offsets(dimensions, strides: x.strides.flatMap { [0, $0] })
        return [try inputs[0].moved(offsets, to: shape)]
    }
}
