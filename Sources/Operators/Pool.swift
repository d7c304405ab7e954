// SPDX-License-Identifier: MIT

import Graphs
import SystemCalls
import Tensors

/// One number for each place of a sliding window, in each channel.
///
/// Shape: [N, C, H, W] → [N, C, H', W'].
public struct Pool: Operator {
    /// What is made of a window's elements.
    public enum Function: Sendable, Hashable {
        /// The largest; padding never wins, NaN does.
        case max
        /// The mean: of the elements of the padded image, or of the real ones only.
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

    /// Pools, window by window.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let x = inputs[0]
        let result = try outputs(for: [Fact(x.elementType, x.shape)])[0]
        let sizes = (Array(x.shape.dimensions.dropFirst(2)), Array(result.shape.dimensions.dropFirst(2)))
        let pairs = window.pairs(sizes.0, sizes.1)
        let counts = divisors(sizes.0, sizes.1)
        let (plane, outputPlane) = (x.shape.inner(1), result.shape.inner(1))
        let elements = x.doubles()
        var values: [Double] = []
        values.reserveCapacity(result.elementCount)
        // A plane may be empty while its output is not: that is all padding.
        for image in 0..<(x.shape[0] * x.shape[1]) {
            let source = image * plane
            var pooled = [Double](repeating: start, count: outputPlane)
            for pair in pairs.joined() { add(elements[source + pair.input], to: &pooled[pair.output]) }
            values += pooled.indices.map { finished(pooled[$0], count: counts[$0]) }
        }
        return [try Tensor(values, as: x.elementType, shape: result.shape)]
    }

    private var start: Double { function == .max ? -.infinity : 0 }

    private func add(_ element: Double, to pooled: inout Double) {
        switch function {
        case .max: pooled = Binary.Function.max.ofReals(pooled, element)
        case .average: pooled += element
        case .lp(let p): pooled += MathFunctions.pow(abs(element), Double(p))
        }
    }

    private func finished(_ pooled: Double, count: Int) -> Double {
        switch function {
        case .max: pooled
        case .average: pooled / Double(count)
        case .lp(let p): MathFunctions.pow(pooled, 1 / Double(p))
        }
    }

    /// How many elements each window's mean is of.
    private func divisors(_ sizes: [Int], _ outputs: [Int]) -> [Int] {
        var padded = false
        if case .average(countIncludePad: true) = function { padded = true }
        let counts = sizes.indices.map { axis in
            (0..<outputs[axis]).map { output in
                (0..<window.kernel[axis]).count { tap in
                    let place = output * window.strides[axis] - window.before[axis] + tap * window.dilations[axis]
                    return padded ? place < sizes[axis] + window.after[axis] : (0..<sizes[axis]).contains(place)
                }
            }
        }
        return counts.reduce([1]) { product, axis in product.flatMap { outer in axis.map { outer * $0 } } }
    }
}
