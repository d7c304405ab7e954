// SPDX-License-Identifier: MIT

import Layers
import Tensors

/// EfficientNet B0 to B7.
///
/// Shape: [3, side, side] → logits, one per class.
///
/// - Source: Tan and Le, "EfficientNet"; the weights' names and paddings of `efficientnet_pytorch` and of torchvision.
public struct EfficientNet: Network {
    /// The numbers that make this network.
    public let configuration: EfficientNetConfiguration
    let stem: ConvolutionNorm
    let blocks: [MBConvBlock]
    let head: ConvolutionNorm
    let classifier: Linear

    /// Takes the weights of a configuration from a state dict.
    ///
    /// - Throws: `TensorError` if one is missing or of another shape.
    public init(_ configuration: EfficientNetConfiguration, _ weights: StateDict) throws {
        self.configuration = configuration
        let parts = EfficientNetParts(configuration: configuration, weights: weights)
        stem = try parts.stem()
        blocks = try parts.blocks()
        head = try parts.head()
        classifier = try parts.classifier()
    }

    /// Wires the layers.
    public func forward(_ input: Value) -> Value {
        var x = SiLU()(stem(input))
        for block in blocks { x = block(x) }
        x = AdaptiveAvgPool2d(1)(SiLU()(head(x)))
        return classifier(Dropout(0.2)(Flatten()(x)))
    }
}
