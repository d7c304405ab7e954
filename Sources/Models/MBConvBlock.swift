// SPDX-License-Identifier: MIT

import Layers
import Tensors

/// Weighs the channels of an image by what its means say.
///
/// Shape: [C, H, W] → the same.
///
/// - Source: Hu et al., "Squeeze-and-Excitation Networks".
struct SqueezeExcitation: Layer {
    let reduce: Conv2d
    let expand: Conv2d

    func callAsFunction(_ input: Value) -> Value {
        let means = AdaptiveAvgPool2d(1)(input)
        return input * Sigmoid()(expand(SiLU()(reduce(means))))
    }
}

/// The mobile inverted bottleneck: expand the channels, filter each, weigh them, project back.
///
/// Shape: [inChannels, H, W] → [outChannels, H / stride, W / stride].
///
/// - Source: Sandler et al., "MobileNetV2"; Tan and Le, "EfficientNet".
package struct MBConvBlock: Layer {
    /// The block's sizes.
    package struct Configuration {
        let inChannels: Int
        let outChannels: Int
        let expansion: Int
        let kernel: Int
        let stride: Int

        package init(inChannels: Int, outChannels: Int, expansion: Int, kernel: Int, stride: Int) {
            self.inChannels = inChannels
            self.outChannels = outChannels
            self.expansion = expansion
            self.kernel = kernel
            self.stride = stride
        }

        var expandedChannels: Int { inChannels * expansion }
        var squeezedChannels: Int { max(1, inChannels / 4) }
    }

    let expand: ConvolutionNorm?
    let depthwise: ConvolutionNorm
    let squeezeExcitation: SqueezeExcitation
    let project: ConvolutionNorm
    let hasResidual: Bool

    package func callAsFunction(_ input: Value) -> Value {
        var x = input
        if let expand { x = SiLU()(expand(x)) }
        x = SiLU()(depthwise(x))
        x = project(squeezeExcitation(x))
        return hasResidual ? x + input : x
    }
}
