// SPDX-License-Identifier: MIT

import Tensors

/// A matrix product and a bias.
///
/// Shape: [inFeatures] → [outFeatures].
///
/// - Source: `torch.nn.Linear`; weights `weight` [outFeatures, inFeatures] and `bias`.
public struct Linear: Layer {
    /// Length of the input vector.
    public let inFeatures: Int
    /// Length of the output vector.
    public let outFeatures: Int
    let weight: Tensor
    let bias: Tensor?
    let name: String

    /// Takes the layer's weights from a state dict.
    ///
    /// - Throws: `TensorError` if they are missing or of another shape.
    public init(_ inFeatures: Int, _ outFeatures: Int, bias: Bool = true, weights: StateDict) throws {
        self.inFeatures = inFeatures
        self.outFeatures = outFeatures
        self.name = weights.layerName
        self.weight = try weights.weight("weight", shape: [outFeatures, inFeatures])
        self.bias = bias ? try weights.weight("bias", shape: [outFeatures]) : nil
    }

    /// Records the product with a vector.
    ///
    /// - Precondition: The value is a vector of `inFeatures`; an image needs a `Flatten` before.
    public func callAsFunction(_ input: Value) -> Value {
        precondition(
            input.shape == [inFeatures],
            "linear layer '\(name)' takes a vector of \(inFeatures), not \(input.shape); is a Flatten missing?")
        return input.graph.append(.linear(self), inputs: [input], shape: [outFeatures], name: name)
    }
}
