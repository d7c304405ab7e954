// SPDX-License-Identifier: MIT

import Layers
import Tensors

/// A convolution without bias and the batch norm behind it.
struct ConvolutionNorm: Layer {
    let convolution: Conv2d
    let norm: BatchNorm2d

    init(convolution: Conv2d, norm: BatchNorm2d) {
        self.convolution = convolution
        self.norm = norm
    }

    /// Takes both from a state dict.
    ///
    /// - Throws: `TensorError` if weights are missing or of another shape.
    init(
        _ inChannels: Int, _ outChannels: Int, kernelSize: Size2d, stride: Size2d = 1, padding: Padding = 0,
        groups: Int = 1, eps: Float = 1e-5, weights: StateDict, norm: StateDict
    ) throws {
        convolution = try Conv2d(
            inChannels, outChannels, kernelSize: kernelSize, stride: stride, padding: padding, groups: groups,
            bias: false,
            weights: weights)
        self.norm = try BatchNorm2d(outChannels, eps: eps, weights: norm)
    }

    func callAsFunction(_ input: Value) -> Value { norm(convolution(input)) }
}
