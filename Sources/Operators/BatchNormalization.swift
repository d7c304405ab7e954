// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// (x - mean) / sqrt(variance + epsilon) * scale + bias, each channel with numbers of its own that are known.
///
/// Shape: x [N, C, ...], scale, bias, mean, variance [C] → x's.
public struct BatchNormalization: Operator {
    /// Added to the variance.
    public var epsilon: Double

    /// Describes the operator.
    public init(epsilon: Double) { self.epsilon = epsilon }

    /// The field's name.
    public var name: String { "BatchNormalization" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] { [("epsilon", "\(epsilon)")] }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 5...5)
        let x = inputs[0].shape
        guard x.rank >= 2, inputs.dropFirst().allSatisfy({ $0.shape == [x[1]] }) else {
            throw fault(
                "takes [N, C, ...] and four times [C], not \(inputs.map(\.shape.description).joined(separator: ", "))")
        }
        return [Fact(inputs[0].elementType, x)]
    }

    /// Normalises each channel.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let x = inputs[0]
        let parameters = inputs.dropFirst().map { $0.doubles() }
        let inner = x.shape.inner(1)
        let values = x.doubles().enumerated().map { index, value in
            let channel = index / inner % x.shape[1]
            return (value - parameters[2][channel]) / (parameters[3][channel] + epsilon).squareRoot()
                * parameters[0][channel] + parameters[1][channel]
        }
        return [try Tensor(values, as: x.elementType, shape: x.shape)]
    }
}
