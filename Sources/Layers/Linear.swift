// SPDX-License-Identifier: MIT

import Operators
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

    /// Records the product with a vector of `inFeatures`; an image needs a `Flatten` before.
    public func callAsFunction(_ input: Value) -> Value {
        guard input.shape == [inFeatures] else {
            let hint = input.shape.rank == 3 ? "; is a Flatten missing?" : ""
            return input.fail(name, "takes a vector [\(inFeatures)], not \(input.shape)\(hint)")
        }
        let weights = [(name + ".weight", weight)] + (bias.map { [(name + ".bias", $0)] } ?? [])
        return input.append(Operators.Linear(), constants: weights, name: name)
    }
}
