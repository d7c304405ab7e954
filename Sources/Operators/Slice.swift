// SPDX-License-Identifier: MIT

import Graphs
import Tensors

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

    /// Takes the elements.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let strides = inputs[0].shape.strides
        let start = counts.contains(0) ? 0 : zip(starts, strides).reduce(0) { $0 + $1.0 * $1.1 }
        let offsets = Offsets(counts, strides: zip(steps, strides).map { $0 &* $1 }, start: start)
        return [try inputs[0].moved(offsets, to: Shape(counts))]
    }
}
