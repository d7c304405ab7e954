// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// One number for each place of a sliding window, in each channel.
///
/// Shape: [N, C, H, W] → [N, C, H', W'].
public struct Pool: Operator {
    /// What is made of a window's elements.
    public enum Function: Sendable, Hashable {
        /// The largest; padding never wins, NaN does.
        case max
        /// The mean: of the elements of the padded image, or of the real ones alone.
        case average(countIncludePad: Bool)
        /// (Σ |x|^p)^(1/p).
        case lp(Int)
    }

    /// What is made of a window's elements.
    public var function: Function
    /// How the window moves.
    public var window: SlidingWindow

    /// Describes the operator.
    public init(_ function: Function, _ window: SlidingWindow) {
        self.function = function
        self.window = window
    }

    /// The field's name.
    public var name: String {
        switch function {
        case .max: "MaxPool"
        case .average: "AveragePool"
        case .lp: "LpPool"
        }
    }

    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] {
        var result = window.attributes
        if case .average(true) = function { result.append(("count_include_pad", "1")) }
        if case .lp(let p) = function { result.append(("p", "\(p)")) }
        return result
    }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 1...1)
        let x = inputs[0].shape
        guard x.rank >= 3 else { throw fault("takes an image [N, C, ...], not \(x)") }
        let spatial = try window.outputSizes(Array(x.dimensions.dropFirst(2)), of: self)
        return [Fact(inputs[0].elementType, try Shape(checking: Array(x.dimensions.prefix(2)) + spatial))]
    }
}

/// Pooling into a given size: along an axis of n, output i of m takes elements floor(i * n / m) ..< ceil((i + 1) * n / m).
///
/// Shape: [N, C, H, W] → [N, C] and `outputSize`.
///
/// - Source: `torch.nn.AdaptiveAvgPool2d`, `torch.nn.AdaptiveMaxPool2d`.
public struct AdaptivePool: Operator {
    /// Whether the largest is taken, or the mean.
    public var isMax: Bool
    /// Sizes of the output along the spatial axes.
    public var outputSize: [Int]

    /// Describes the operator.
    public init(isMax: Bool = false, outputSize: [Int]) {
        self.isMax = isMax
        self.outputSize = outputSize
    }

    /// The field's name.
    public var name: String { isMax ? "AdaptiveMaxPool" : "AdaptiveAveragePool" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] { [("output_size", "\(outputSize)")] }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 1...1)
        let x = inputs[0].shape
        guard x.rank == outputSize.count + 2, outputSize.allSatisfy({ $0 > 0 }) else {
            throw fault("\(x) cannot be pooled into \(outputSize)")
        }
        return [Fact(inputs[0].elementType, try Shape(checking: Array(x.dimensions.prefix(2)) + outputSize))]
    }
}
