// SPDX-License-Identifier: MIT

import Layers
import Tensors

/// One hidden layer between pixels and digits: 784-128-10.
///
/// Shape: [1, 28, 28] → 10 logits.
public struct MNISTMLP: Network {
    let fc1: Linear
    let fc2: Linear

    /// Takes `fc1` and `fc2` from a state dict.
    ///
    /// - Throws: `TensorError` if one is missing or of another shape.
    public init(_ weights: StateDict) throws {
        fc1 = try Linear(784, 128, weights: weights["fc1"])
        fc2 = try Linear(128, 10, weights: weights["fc2"])
    }

    /// Wires the layers.
    public func forward(_ input: Value) -> Value {
        fc2(ReLU()(fc1(Flatten()(input))))
    }
}
