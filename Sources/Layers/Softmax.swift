// SPDX-License-Identifier: MIT

import Operators
import Tensors

/// Turns logits into probabilities.
///
/// Shape: [features] → the same; sums to 1.
///
/// - Source: `torch.nn.Softmax(dim=1)`.
public struct Softmax: Layer {
    /// Makes the layer; it has no settings.
    public init() {}

    /// Records the softmax of a vector.
    public func callAsFunction(_ input: Value) -> Value {
        guard input.shape.rank == 1 else {
            return input.fail("softmax", "takes a vector, not \(input.shape); is a Flatten missing?")
        }
        return input.append(Operators.Softmax(axis: 1), name: "softmax")
    }
}

/// The logarithm of the softmax, without the loss of taking it afterwards.
///
/// Shape: [features] → the same.
///
/// - Source: `torch.nn.LogSoftmax(dim=1)`.
public struct LogSoftmax: Layer {
    /// Makes the layer; it has no settings.
    public init() {}

    /// Records the logarithm of the softmax of a vector.
    public func callAsFunction(_ input: Value) -> Value {
        guard input.shape.rank == 1 else {
            return input.fail("log_softmax", "takes a vector, not \(input.shape); is a Flatten missing?")
        }
        return input.append(Operators.Softmax(axis: 1, isLogarithm: true), name: "log_softmax")
    }
}
