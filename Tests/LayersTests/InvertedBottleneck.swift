// SPDX-License-Identifier: MIT

import Layers
import Tensors
import TestSupport

/// The block of MobileNet and EfficientNet: a convolution that widens the image, a depthwise one, squeeze-and-excitation, and
/// a 1x1 convolution that narrows it.
struct InvertedBottleneck: Network {
    /// Kernel, stride and dilation of the depthwise convolution, and its padding.
    struct Window: Sendable {
        var kernel: Int
        var stride: Int = 1
        var dilation: Int = 1
        var padding: Padding
    }

    let widen: Conv2d
    let depthwise: Conv2d
    let squeeze: Conv2d
    let narrow: Conv2d
    /// Reads every value twice, so that nothing can be fused.
    let isSpoiled: Bool

    init(channels: Int, widenKernel: Int, window: Window, isSpoiled: Bool) throws {
        var random = RandomWeights(seed: 11)
        random.convolution("widen", [channels, 3, widenKernel, widenKernel])
        random.convolution("depthwise", [channels, 1, window.kernel, window.kernel])
        random.convolution("squeeze", [channels, channels, 1, 1])
        random.convolution("narrow", [5, channels, 1, 1])
        let weights = try random.stateDict()
        widen = try Conv2d(
            3, channels, kernelSize: Size2d(integerLiteral: widenKernel), padding: .same, weights: weights["widen"])
        depthwise = try Conv2d(
            channels, channels, kernelSize: Size2d(integerLiteral: window.kernel),
            stride: Size2d(integerLiteral: window.stride), padding: window.padding,
            dilation: Size2d(integerLiteral: window.dilation), groups: channels, weights: weights["depthwise"])
        squeeze = try Conv2d(channels, channels, kernelSize: 1, weights: weights["squeeze"])
        narrow = try Conv2d(channels, 5, kernelSize: 1, weights: weights["narrow"])
        self.isSpoiled = isSpoiled
    }

    func forward(_ input: Value) -> Value {
        let wide = step(SiLU(), step(widen, input))
        let image = step(SiLU(), step(depthwise, wide))
        let scaled = image * Sigmoid()(squeeze(AdaptiveAvgPool2d(1)(image)))
        if isSpoiled { _ = Tanh()(scaled) }
        return step(narrow, scaled)
    }

    private func step(_ layer: some Layer, _ value: Value) -> Value {
        let result = layer(value)
        if isSpoiled { _ = Tanh()(result) }
        return result
    }
}
