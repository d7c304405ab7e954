// SPDX-License-Identifier: MIT

import Graphs
import SystemCalls
import Tensors

/// x / (bias + alpha / size * Σ x²)^beta, the sum over `size` neighbouring channels: `torch.nn.LocalResponseNorm`.
///
/// Shape: [N, C, ...] → the same.
public struct LocalResponseNormalization: Operator {
    /// Channels in a sum.
    public var size: Int
    /// Factor of the sum, before it is divided by the size.
    public var alpha: Double
    /// The exponent.
    public var beta: Double
    /// What is added.
    public var bias: Double

    /// Describes the operator.
    public init(size: Int, alpha: Double, beta: Double, bias: Double) {
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.bias = bias
    }

    /// The field's name.
    public var name: String { "LRN" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] {
        [("size", "\(size)"), ("alpha", "\(alpha)"), ("beta", "\(beta)"), ("bias", "\(bias)")]
    }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 1...1)
        guard inputs[0].shape.rank >= 2, (1...(1 << 20)).contains(size) else {
            throw fault("\(size) channels of \(inputs[0].shape)")
        }
        return [Fact(inputs[0].elementType, inputs[0].shape)]
    }

    /// Normalises each element.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let x = inputs[0]
        let elements = x.doubles()
        let (channels, inner) = (x.shape[1], x.shape.inner(1))
        let values = elements.indices.map { place in
            let channel = place / inner % channels
            let first = max(0, channel - (size - 1) / 2)
            let last = min(channels - 1, channel + size / 2)
            let sum = (first...last).reduce(0) { sum, other in
                let element = elements[place + (other - channel) * inner]
                return sum + element * element
            }
            return elements[place] / MathFunctions.pow(bias + alpha / Double(size) * sum, beta)
        }
        return [try Tensor(values, as: x.elementType, shape: x.shape)]
    }
}
