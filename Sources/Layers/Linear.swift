// SPDX-License-Identifier: MIT

import Operators
import Tensors

/// A matrix product and a bias.
///
/// Shape: [..., inFeatures] → [..., outFeatures].
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
        try self.init(inFeatures, outFeatures, bias: bias, namesPrefix: "", weights: weights)
    }

    /// The same for a layer whose tensors have longer names, as `in_proj_weight`.
    init(
        _ inFeatures: Int, _ outFeatures: Int, bias: Bool = true, namesPrefix: String, weights: StateDict
    ) throws {
        self.inFeatures = inFeatures
        self.outFeatures = outFeatures
        self.name = namesPrefix.isEmpty ? weights.layerName : weights.prefix + namesPrefix.dropLast()
        self.weight = try weights.weight(namesPrefix + "weight", sizes: [outFeatures, inFeatures])
        self.bias = bias ? try weights.weight(namesPrefix + "bias", sizes: [outFeatures]) : nil
    }

    /// Records the product with rows of `inFeatures`; an image needs a `Flatten` before.
    public func callAsFunction(_ input: Value) -> Value {
        guard input.shape.rank >= 1, input.shape[input.shape.rank - 1] == inFeatures else {
            let hint = input.shape.rank == 3 ? "; is a Flatten missing?" : ""
            return input.fail(name, "takes a vector [\(inFeatures)], not \(input.shape)\(hint)")
        }
        let weights = [(name + ".weight", weight)] + (bias.map { [(name + ".bias", $0)] } ?? [])
        return input.append(Operators.Linear(), constants: weights, name: name)
    }
}
