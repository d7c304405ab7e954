// SPDX-License-Identifier: MIT

import Operators
import Tensors

/// Normalises each channel by the mean and variance seen in training, then scales and shifts it.
///
/// Shape: [C, H, W] → the same. Folded into the convolution before it where nothing else reads that one.
///
/// - Source: `torch.nn.BatchNorm2d` in evaluation: (x - running_mean) / sqrt(running_var + eps) * weight + bias.
public struct BatchNorm2d: Layer {
    /// Number of channels.
    public let channels: Int
    /// Added to the variance, so that no root of zero is divided by.
    public let eps: Float
    let weight: Tensor
    let bias: Tensor
    let runningMean: Tensor
    let runningVar: Tensor
    let name: String

    /// Takes `weight`, `bias`, `running_mean` and `running_var` from a state dict.
    ///
    /// - Throws: `TensorError` if they are missing or of another shape.
    public init(_ channels: Int, eps: Float = 1e-5, weights: StateDict) throws {
        self.channels = channels
        self.eps = eps
        self.name = weights.layerName
        weight = try weights.weight("weight", sizes: [channels])
        bias = try weights.weight("bias", sizes: [channels])
        runningMean = try weights.weight("running_mean", sizes: [channels])
        runningVar = try weights.weight("running_var", sizes: [channels])
    }

    /// Records the normalisation of an image, which must have `channels` channels.
    public func callAsFunction(_ input: Value) -> Value {
        guard input.shape.rank == 3 && input.shape[0] == channels else {
            return input.fail(name, "takes an image [\(channels), H, W], not \(input.shape)")
        }
        return input.append(
            BatchNormalization(epsilon: Double(eps)),
            constants: [
                (name + ".weight", weight), (name + ".bias", bias), (name + ".running_mean", runningMean),
                (name + ".running_var", runningVar),
            ], name: name)
    }
}
