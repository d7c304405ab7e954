// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// The same elements, in row-major sequence, under another shape: Reshape, Flatten, Squeeze, Unsqueeze.
public struct Reshape: Operator {
    /// The new sizes: numbers, without ONNX's 0 and -1.
    public var shape: Shape

    /// Describes the operator.
    public init(_ shape: Shape) { self.shape = shape }

    /// The field's name.
    public var name: String { "Reshape" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] { [("shape", "\(shape)")] }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 1...1)
        guard inputs[0].shape.elementCount == shape.elementCount else {
            throw fault("\(inputs[0].shape) has not as many elements as \(shape)")
        }
        return [Fact(inputs[0].elementType, shape)]
    }
}

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
}

/// Values one after the other along an axis.
public struct Concat: Operator {
    /// The axis; never negative.
    public var axis: Int

    /// Describes the operator.
    public init(axis: Int) { self.axis = axis }

    /// The field's name.
    public var name: String { "Concat" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] { [("axis", "\(axis)")] }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        guard let first = inputs.first, (0..<first.shape.rank).contains(axis) else {
            throw fault("takes one value or more with an axis \(axis)")
        }
        var dimensions = first.shape.dimensions
        dimensions[axis] = 0
        for input in inputs {
            var own = input.shape.dimensions
            guard own.count == dimensions.count, input.elementType == first.elementType else {
                throw fault("\(input) does not fit \(first)")
            }
            let (sum, overflow) = dimensions[axis].addingReportingOverflow(own[axis])
            dimensions[axis] = sum
            own[axis] = sum
            guard own == dimensions, !overflow else { throw fault("\(input) does not fit \(first)") }
        }
        return [Fact(first.elementType, try Shape(checking: dimensions))]
    }
}

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
}

/// Some elements along each axis: from a start, so many, so far apart.
public struct Slice: Operator {
    /// For each axis of the input, where the first element stands: inside the axis, unless none is taken.
    public var starts: [Int]
    /// For each axis, how many are taken.
    public var counts: [Int]
    /// For each axis, from one to the next: negative backwards.
    public var steps: [Int]

    /// Describes the operator.
    public init(starts: [Int], counts: [Int], steps: [Int]) {
        self.starts = starts
        self.counts = counts
        self.steps = steps
    }

    /// The field's name.
    public var name: String { "Slice" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] {
        [("starts", "\(starts)"), ("counts", "\(counts)"), ("steps", "\(steps)")]
    }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 1...1)
        let x = inputs[0].shape
        guard starts.count == x.rank, counts.count == x.rank, steps.count == x.rank else {
            throw fault("describes \(starts.count) axes of \(x)")
        }
        for axis in 0..<x.rank where counts[axis] != 0 {
            let (reach, overflow) = steps[axis].multipliedReportingOverflow(by: counts[axis] - 1)
            let (last, beyond) = starts[axis].addingReportingOverflow(reach)
            guard counts[axis] > 0, !overflow, !beyond, (0..<x[axis]).contains(starts[axis]),
                (0..<x[axis]).contains(last)
            else { throw fault("takes elements beyond axis \(axis) of \(x)") }
        }
        return [Fact(inputs[0].elementType, Shape(counts))]
    }
}

/// A value with a border around it, or without one: negative paddings cut.
public struct Pad: Operator {
    /// What stands in the border.
    public enum Mode: Sendable, Hashable {
        case constant(Double)
        case reflect
        case edge
        case wrap
    }

    /// For each axis, elements before and after.
    public var before: [Int]
    public var after: [Int]
    /// What stands in the border.
    public var mode: Mode

    /// Describes the operator.
    public init(before: [Int], after: [Int], mode: Mode) {
        self.before = before
        self.after = after
        self.mode = mode
    }

    /// The field's name.
    public var name: String { "Pad" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] { [("pads", "\(before + after)"), ("mode", "\(mode)")] }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 1...1)
        let x = inputs[0].shape
        let limit = 1 << 30
        guard before.count == x.rank, after.count == x.rank,
            (before + after).allSatisfy({ (-limit...limit).contains($0) }), x.dimensions.allSatisfy({ $0 <= limit })
        else { throw fault("pads \(before + after) of \(x)") }
        let dimensions = (0..<x.rank).map { x[$0] + before[$0] + after[$0] }
        for axis in 0..<x.rank
        where dimensions[axis] < 0 || mode == .reflect && max(before[axis], after[axis]) >= max(1, x[axis]) {
            throw fault("pads \(before + after) of \(x)")
        }
        return [Fact(inputs[0].elementType, try Shape(checking: dimensions))]
    }
}

/// A value repeated along the axes where it has size 1, and along new axes in front, as numpy's broadcasting does it.
public struct Expand: Operator {
    /// The new sizes: what the input is broadcast to.
    public var shape: Shape

    /// Describes the operator.
    public init(_ shape: Shape) { self.shape = shape }

    /// The field's name.
    public var name: String { "Expand" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] { [("shape", "\(shape)")] }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 1...1)
        guard try broadcast([inputs[0].shape, shape]) == shape else {
            throw fault("\(inputs[0].shape) is not broadcast to \(shape)")
        }
        return [Fact(inputs[0].elementType, shape)]
    }
}
