// SPDX-License-Identifier: MIT

import Operators
import Tensors

/// Slides filters over an image.
///
/// Shape: [inChannels, H, W] → [outChannels, H', W'] with H' = (H + padding - dilation * (kernel - 1) - 1) / stride + 1.
///
/// - Source: `torch.nn.Conv2d`; weights `weight` [outChannels, inChannels / groups, height, width] and `bias`.
public struct Conv2d: Layer {
    /// Channels of the input.
    public let inChannels: Int
    /// Channels of the output: the number of filters.
    public let outChannels: Int
    /// Groups of channels that do not see each other; `inChannels` groups are a depthwise convolution.
    public let groups: Int
    let window: Window
    let weight: Tensor
    let bias: Tensor?
    let name: String

    /// Takes the layer's weights from a state dict.
    ///
    /// - Parameters:
    ///   - weights: Holds `weight` and, with `bias`, `bias`: for example `stateDict["conv1"]`.
    /// - Throws: `TensorError` if they are missing or of another shape; `WiringError` if `groups` does not divide both channel
    ///   counts, or a number is not positive.
    public init(
        _ inChannels: Int, _ outChannels: Int, kernelSize: Size2d, stride: Size2d = 1, padding: Padding = 0,
        dilation: Size2d = 1, groups: Int = 1, bias: Bool = true, weights: StateDict
    ) throws {
        guard groups > 0, inChannels > 0, inChannels % groups == 0, outChannels > 0, outChannels % groups == 0 else {
            throw WiringError(
                layer: weights.layerName,
                reason:
                    "has \(inChannels) channels, \(outChannels) filters and groups: \(groups); expected a number of groups "
                    + "that divides both, as inChannels for a depthwise convolution")
        }
        self.inChannels = inChannels
        self.outChannels = outChannels
        self.groups = groups
        self.window = Window(kernelSize: kernelSize, stride: stride, dilation: dilation, padding: padding)
        self.name = weights.layerName
        self.weight = try weights.weight(
            "weight", sizes: [outChannels, inChannels / groups, kernelSize.height, kernelSize.width])
        self.bias = bias ? try weights.weight("bias", sizes: [outChannels]) : nil
    }

    /// Records the convolution of an image, which must have `inChannels` channels.
    public func callAsFunction(_ input: Value) -> Value {
        guard input.shape.rank == 3 && input.shape[0] == inChannels else {
            return input.fail(name, "takes an image [\(inChannels), H, W], not \(input.shape)\(hint(for: input.shape))")
        }
        let weights = [(name + ".weight", weight)] + (bias.map { [(name + ".bias", $0)] } ?? [])
        return input.append(
            Convolution(window.sliding(over: input.shape), groups: groups), constants: weights, name: name)
    }

    private func hint(for shape: Shape) -> String {
        if shape.rank == 1 { return ": was it flattened before?" }
        if shape.rank == 3 && shape[2] == inChannels { return ": is it channels last? Shapes are [C, H, W]" }
        return ""
    }
}

extension StateDict {
    /// The prefix without its dot: what a layer is called in profiles and messages.
    var layerName: String { String(prefix.dropLast()) }

    /// A weight whose sizes are a layer's numbers.
    ///
    /// - Throws: `WiringError` for sizes that no tensor has, `TensorError` as `weight(_:shape:)`.
    func weight(_ name: String, sizes: [Int]) throws -> Tensor {
        guard let shape = try? Shape(checking: sizes) else {
            throw WiringError(
                layer: layerName, reason: "would have \(name) of the sizes \(sizes): expected none below 0")
        }
        return try weight(name, shape: shape)
    }
}
