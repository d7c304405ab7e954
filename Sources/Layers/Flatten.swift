// SPDX-License-Identifier: MIT

import Operators
import Tensors

/// Lays an image out as a vector, channel after channel.
///
/// Shape: [C, H, W] → [C * H * W]. Costs nothing before a `Linear`, whose weights are reordered instead.
///
/// - Source: `torch.nn.Flatten(1)`.
public struct Flatten: Layer {
    /// Makes the layer; it has no settings.
    public init() {}

    /// Records the change of shape.
    public func callAsFunction(_ input: Value) -> Value {
        input.append(Reshape([1, input.shape.elementCount]), name: "flatten")
    }
}

/// Does nothing when a network only answers: kept so that a network reads like the one that was trained.
///
/// Shape: any → the same.
///
/// - Source: `torch.nn.Dropout` in evaluation.
public struct Dropout: Layer {
    /// Takes the rate of training, which plays no part here.
    public init(_ rate: Float = 0.5) {}

    /// Returns the value unchanged.
    public func callAsFunction(_ input: Value) -> Value { input }
}
