// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// Sums, means and their like over some axes.
public struct Reduce: Operator {
    /// What is made of the elements along the axes. Names and definitions are ONNX's.
    public enum Function: String, Sendable, Hashable, CaseIterable {
        case sum = "ReduceSum"
        case mean = "ReduceMean"
        case max = "ReduceMax"
        case min = "ReduceMin"
        case product = "ReduceProd"
        case l1 = "ReduceL1"
        case l2 = "ReduceL2"
        case logSum = "ReduceLogSum"
        case logSumExp = "ReduceLogSumExp"
        case sumSquare = "ReduceSumSquare"
    }

    /// What is made of the elements.
    public var function: Function
    /// The axes that are reduced, ascending, none negative.
    public var axes: [Int]
    /// Whether the reduced axes stay, with size 1.
    public var keepDimensions: Bool

    /// Describes the operator.
    public init(_ function: Function, axes: [Int], keepDimensions: Bool) {
        self.function = function
        self.axes = axes.sorted()
        self.keepDimensions = keepDimensions
    }

    /// The field's name.
    public var name: String { function.rawValue }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] {
        [("axes", "\(axes)"), ("keepdims", keepDimensions ? "1" : "0")]
    }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 1...1)
        let x = inputs[0].shape
        guard axes.allSatisfy((0..<x.rank).contains), Set(axes).count == axes.count else {
            throw fault("axes \(axes) of \(x)")
        }
        let dimensions: [Int] = (0..<x.rank).compactMap { axis in
            axes.contains(axis) ? (keepDimensions ? 1 : nil) : x[axis]
        }
        return [Fact(inputs[0].elementType, Shape(dimensions))]
    }
}
