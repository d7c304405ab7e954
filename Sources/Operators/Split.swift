// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// A value cut along an axis. One output for each part.
public struct Split: Operator {
    /// The axis; never negative.
    public var axis: Int
    /// Sizes of the parts, which add up to the axis's.
    public var sizes: [Int]

    /// Describes the operator.
    public init(axis: Int, sizes: [Int]) {
        self.axis = axis
        self.sizes = sizes
    }

    /// The field's name.
    public var name: String { "Split" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] { [("axis", "\(axis)"), ("sizes", "\(sizes)")] }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 1...1)
        let x = inputs[0].shape
        guard (0..<x.rank).contains(axis), sizes.allSatisfy({ (0...x[axis]).contains($0) }),
            sizes.reduce(0, +) == x[axis]
        else { throw fault("\(x) cannot be cut into \(sizes) along axis \(axis)") }
        return sizes.map { size in
            var dimensions = x.dimensions
            dimensions[axis] = size
            return Fact(inputs[0].elementType, Shape(dimensions))
        }
    }

    /// Cuts the value.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let x = inputs[0].shape
        var start = 0
        return try sizes.map { size in
            var dimensions = x.dimensions
            dimensions[axis] = size
            let offsets = Offsets(dimensions, strides: x.strides, start: start * x.strides[axis])
            start += size
            return try inputs[0].moved(offsets, to: Shape(dimensions))
        }
    }
}
