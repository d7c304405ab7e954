// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// The largest or smallest elements along an axis, in order, and their indices; of equal ones the first comes first.
///
/// Shape: [A, n, B] → twice [A, k, B], the second Int64.
public struct TopK: Operator {
    /// The axis; never negative.
    public var axis: Int
    /// How many.
    public var count: Int
    /// Whether the largest, or the smallest.
    public var isLargest: Bool

    /// Describes the operator.
    public init(axis: Int, count: Int, isLargest: Bool = true) {
        self.axis = axis
        self.count = count
        self.isLargest = isLargest
    }

    /// The field's name.
    public var name: String { "TopK" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] {
        [("axis", "\(axis)"), ("k", "\(count)"), ("largest", isLargest ? "1" : "0")]
    }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 1...1)
        var dimensions = inputs[0].shape.dimensions
        guard dimensions.indices.contains(axis), (0...dimensions[axis]).contains(count) else {
            throw fault("\(count) elements along axis \(axis) of \(inputs[0].shape)")
        }
        dimensions[axis] = count
        return [Fact(inputs[0].elementType, Shape(dimensions)), Fact(.int64, Shape(dimensions))]
    }

    /// Sorts.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let x = inputs[0]
        let shape = try outputs(for: [Fact(x.elementType, x.shape)])[0].shape
        let (size, inner) = (x.shape[axis], x.shape.inner(axis))
        let elements = x.doubles()
        var indices = [Int](repeating: 0, count: shape.elementCount)
        for lane in 0..<(x.shape.outer(axis) * inner) {
            let (block, within) = (lane / inner, lane % inner)
            let start = block * size * inner + within
            let sorted = (0..<size).sorted { left, right in
                let (a, b) = (elements[start + left * inner], elements[start + right * inner])
                return a == b ? left < right : isLargest ? a > b : a < b
            }
            for (place, index) in sorted.prefix(count).enumerated() {
                indices[(block * count + place) * inner + within] = index
            }
        }
        let found = try Tensor(indices, as: .int64, shape: shape)
        return [try GatherElements(axis: axis).evaluate([x, found])[0], found]
    }
}
