// SPDX-License-Identifier: MIT

import Operators
import Tensors

/// Normalises each row along the last axis by its own mean and variance, then scales and shifts it.
///
/// Shape: [..., features] → the same.
///
/// - Source: `torch.nn.LayerNorm`; weights `weight` [features] and `bias`.
public struct LayerNorm: Layer {
    /// Length of a row.
    public let features: Int
    /// Added to the variance, so that no root of zero is divided by.
    public let eps: Float
    let weight: Tensor
    let bias: Tensor
    let name: String

    /// Takes `weight` and `bias` from a state dict.
    ///
    /// - Throws: `TensorError` if they are missing or of another shape.
    public init(_ features: Int, eps: Float = 1e-5, weights: StateDict) throws {
        self.features = features
        self.eps = eps
        self.name = weights.layerName
        weight = try weights.weight("weight", sizes: [features])
        bias = try weights.weight("bias", sizes: [features])
    }

    /// Records the normalisation of rows of `features`.
    public func callAsFunction(_ input: Value) -> Value {
        guard input.shape.rank >= 1, input.shape[input.shape.rank - 1] == features else {
            return input.fail(name, "takes rows of \(features), not \(input.shape)")
        }
        return input.append(
            LayerNormalization(axis: input.shape.rank, epsilon: Double(eps)),
            constants: [(name + ".weight", weight), (name + ".bias", bias)], name: name)
    }
}

/// Normalises the channels of each pixel.
///
/// Shape: [C, H, W] → the same.
///
/// - Source: `LayerNorm2d` of torchvision and timm: `torch.nn.LayerNorm` with the channels as the last axis meanwhile.
public struct LayerNorm2d: Layer {
    let norm: LayerNorm

    /// Takes `weight` and `bias` from a state dict.
    ///
    /// - Throws: `TensorError` if they are missing or of another shape.
    public init(_ channels: Int, eps: Float = 1e-5, weights: StateDict) throws {
        norm = try LayerNorm(channels, eps: eps, weights: weights)
    }

    /// Records the normalisation of an image, which must have as many channels.
    public func callAsFunction(_ input: Value) -> Value {
        guard input.shape.rank == 3, input.shape[0] == norm.features else {
            return input.fail(norm.name, "takes an image [\(norm.features), H, W], not \(input.shape)")
        }
        return norm(input.channelsLast).channelsFirst
    }
}

/// Divides each channel's length over all pixels by the mean of all channels' lengths, and adds the channel times that, scaled
/// and shifted.
///
/// Shape: [C, H, W] → the same.
///
/// - Source: Woo et al., "ConvNeXt V2"; weights `weight` [C] and `bias`.
public struct GlobalResponseNorm: Layer {
    /// Number of channels.
    public let channels: Int
    let eps: Float
    let weight: Parameter
    let bias: Parameter
    let name: String

    /// Takes `weight` and `bias` from a state dict.
    ///
    /// - Throws: `TensorError` if they are missing or of another shape.
    public init(_ channels: Int, eps: Float = 1e-6, weights: StateDict) throws {
        self.channels = channels
        self.eps = eps
        name = weights.layerName
        weight = try Parameter("weight", sizes: [channels], weights: weights)
        bias = try Parameter("bias", sizes: [channels], weights: weights)
    }

    /// Records the normalisation of an image, which must have `channels` channels.
    public func callAsFunction(_ input: Value) -> Value {
        guard input.shape.rank == 3, input.shape[0] == channels else {
            return input.fail(name, "takes an image [\(channels), H, W], not \(input.shape)")
        }
        let pixels = input.channelsLast
        let lengths = pixels.append(Reduce(.l2, axes: [1, 2], keepDimensions: true), name: name)
        let mean = lengths.append(Reduce(.mean, axes: [3], keepDimensions: true), name: name)
        let divisor = mean.append(
            Binary(.add), constants: [(name + ".eps", Tensor([eps], shape: [1]))], name: name)
        let ratios = lengths.append(Binary(.div), with: [divisor], name: name)
        let scaled = pixels.append(Binary(.mul), with: [ratios], name: name) * weight + bias
        return (pixels + scaled).channelsFirst
    }
}
