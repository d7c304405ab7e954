// SPDX-License-Identifier: MIT

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
    ///
    /// - Precondition: The value is a vector.
    public func callAsFunction(_ input: Value) -> Value {
        precondition(input.shape.rank == 1, "softmax takes a vector, not \(input.shape); is a Flatten missing?")
        return input.graph.append(.softmax(logarithm: false), inputs: [input], shape: input.shape, name: "softmax")
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
    ///
    /// - Precondition: The value is a vector.
    public func callAsFunction(_ input: Value) -> Value {
        precondition(input.shape.rank == 1, "log softmax takes a vector, not \(input.shape); is a Flatten missing?")
        return input.graph.append(.softmax(logarithm: true), inputs: [input], shape: input.shape, name: "log_softmax")
    }
}
