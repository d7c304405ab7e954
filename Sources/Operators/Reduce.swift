// SPDX-License-Identifier: MIT

import Graphs
import SystemCalls
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

    /// Reduces.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let x = inputs[0]
        let result = try outputs(for: [Fact(x.elementType, x.shape)])[0]
        let kept = (0..<x.shape.rank).filter { !axes.contains($0) }
        let strides = x.shape.strides
        let inner = Array(Offsets(axes.map { x.shape[$0] }, strides: axes.map { strides[$0] }))
        let outer = Offsets(kept.map { x.shape[$0] }, strides: kept.map { strides[$0] })
        if !x.elementType.isFloatingPoint, let whole = wholeNumbers {
            let elements = x.integers()
            let values = outer.map { start in whole(inner.map { elements[start + $0] }) }
            return [try Tensor(values, as: x.elementType, shape: result.shape)]
        }
        let elements = x.doubles()
        let values = outer.map { start in reduced(inner.map { elements[start + $0] }) }
        return [try Tensor(values, as: x.elementType, shape: result.shape)]
    }

    private func reduced(_ elements: [Double]) -> Double {
        switch function {
        case .sum: elements.reduce(0, +)
        case .mean: elements.reduce(0, +) / Double(elements.count)
        case .max: elements.reduce(-.infinity, Binary.Function.max.ofReals)
        case .min: elements.reduce(.infinity, Binary.Function.min.ofReals)
        case .product: elements.reduce(1, *)
        case .l1: elements.reduce(0) { $0 + abs($1) }
        case .l2: elements.reduce(0) { $0 + $1 * $1 }.squareRoot()
        case .logSum: MathFunctions.log(elements.reduce(0, +))
        case .logSumExp: logSumExp(elements)
        case .sumSquare: elements.reduce(0) { $0 + $1 * $1 }
        }
    }

    private func logSumExp(_ elements: [Double]) -> Double {
        let largest = elements.max() ?? -.infinity
        guard largest.isFinite else { return MathFunctions.log(elements.reduce(0) { $0 + MathFunctions.exp($1) }) }
        return largest + MathFunctions.log(elements.reduce(0) { $0 + MathFunctions.exp($1 - largest) })
    }

    /// The function of integers, where it is not to take a detour by Double.
    private var wholeNumbers: (([Int]) -> Int)? {
        switch function {
        case .sum: { $0.reduce(0, &+) }
        case .mean: { $0.isEmpty ? 0 : $0.reduce(0, &+) / $0.count }
        case .max: { $0.max() ?? .min }
        case .min: { $0.min() ?? .max }
        case .product: { $0.reduce(1, &*) }
        case .l1: { $0.reduce(0) { $0 &+ ($1 < 0 ? 0 &- $1 : $1) } }
        case .sumSquare: { $0.reduce(0) { $0 &+ $1 &* $1 } }
        case .l2, .logSum, .logSumExp: nil
        }
    }
}
