// SPDX-License-Identifier: MIT

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
        weight = try weights.weight("weight", shape: [channels])
        bias = try weights.weight("bias", shape: [channels])
        runningMean = try weights.weight("running_mean", shape: [channels])
        runningVar = try weights.weight("running_var", shape: [channels])
    }

    /// Records the normalisation of an image.
    public func callAsFunction(_ input: Value) -> Value {
        precondition(
            input.shape.rank == 3 && input.shape[0] == channels,
            "batch norm '\(name)' takes an image of \(channels) channels, not \(input.shape)")
        return input.graph.append(.batchNorm2d(self), inputs: [input], shape: input.shape, name: name)
    }

    /// The layer as one multiplication and one addition per channel, worked out in Double.
    func scaleAndShift() throws -> (scale: [Double], shift: [Double]) {
        let weight = try self.weight.finiteFloats(name: name + ".weight")
        let bias = try self.bias.finiteFloats(name: name + ".bias")
        let mean = try runningMean.finiteFloats(name: name + ".running_mean")
        let variance = try runningVar.finiteFloats(name: name + ".running_var")
        let scale = (0..<channels).map { Double(weight[$0]) / (Double(variance[$0]) + Double(eps)).squareRoot() }
        let shift = (0..<channels).map { Double(bias[$0]) - Double(mean[$0]) * scale[$0] }
        return (scale, shift)
    }
}
