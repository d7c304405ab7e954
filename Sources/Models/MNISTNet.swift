// SPDX-License-Identifier: MIT

import Layers
import Tensors

/// The network of PyTorch's own MNIST example, as its `mnist_cnn.pt` stores it.
///
/// Shape: [1, 28, 28] → 10 logits. The example ends in a log softmax, which leaves class and probabilities as they are.
///
/// - Source: github.com/pytorch/examples, `mnist/main.py`.
public struct MNISTNet: Network {
    let conv1: Conv2d
    let conv2: Conv2d
    let fc1: Linear
    let fc2: Linear

    /// Takes `conv1`, `conv2`, `fc1` and `fc2` from a state dict.
    ///
    /// - Throws: `TensorError` if one is missing or of another shape.
    public init(_ weights: StateDict) throws {
        conv1 = try Conv2d(1, 32, kernelSize: 3, weights: weights["conv1"])
        conv2 = try Conv2d(32, 64, kernelSize: 3, weights: weights["conv2"])
        fc1 = try Linear(9216, 128, weights: weights["fc1"])
        fc2 = try Linear(128, 10, weights: weights["fc2"])
    }

    /// Wires the layers.
    public func forward(_ input: Value) -> Value {
        var x = ReLU()(conv1(input))
        x = ReLU()(conv2(x))
        x = Dropout(0.25)(MaxPool2d(2)(x))
        x = Dropout(0.5)(ReLU()(fc1(Flatten()(x))))
        return fc2(x)
    }
}
