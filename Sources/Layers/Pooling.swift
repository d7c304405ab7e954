// SPDX-License-Identifier: MIT

import Operators
import Tensors

/// The largest value in each window.
///
/// Shape: [C, H, W] → [C, H', W'].
///
/// - Source: `torch.nn.MaxPool2d`.
public struct MaxPool2d: Layer {
    let window: Window

    /// Describes the window; the stride is the kernel's size unless given.
    public init(
        _ kernelSize: Size2d, stride: Size2d? = nil, padding: Padding = 0, dilation: Size2d = 1, ceilMode: Bool = false
    ) {
        window = Window(
            kernelSize: kernelSize, stride: stride ?? kernelSize, dilation: dilation, padding: padding,
            ceilMode: ceilMode)
    }

    /// Records the pooling of an image [C, H, W].
    public func callAsFunction(_ input: Value) -> Value {
        guard input.shape.rank == 3 else {
            return input.fail("max_pool2d", "takes an image [C, H, W], not \(input.shape)")
        }
        return input.append(Pool(.max, window.sliding(over: input.shape)), name: "max_pool2d")
    }
}

/// The mean of each window.
///
/// Shape: [C, H, W] → [C, H', W'].
///
/// - Source: `torch.nn.AvgPool2d`.
public struct AvgPool2d: Layer {
    let window: Window
    let countIncludePad: Bool

    /// Describes the window; the stride is the kernel's size unless given.
    ///
    /// - Parameters:
    ///   - countIncludePad: Whether the zeros of the padding count in the mean.
    public init(
        _ kernelSize: Size2d, stride: Size2d? = nil, padding: Padding = 0, ceilMode: Bool = false,
        countIncludePad: Bool = true
    ) {
        window = Window(kernelSize: kernelSize, stride: stride ?? kernelSize, padding: padding, ceilMode: ceilMode)
        self.countIncludePad = countIncludePad
    }

    /// Records the pooling of an image [C, H, W].
    public func callAsFunction(_ input: Value) -> Value {
        guard input.shape.rank == 3 else {
            return input.fail("avg_pool2d", "takes an image [C, H, W], not \(input.shape)")
        }
        return input.append(
            Pool(.average(countIncludePad: countIncludePad), window.sliding(over: input.shape)), name: "avg_pool2d")
    }
}

/// The means of as many windows as the output has pixels, whatever the size of the input.
///
/// Shape: [C, H, W] → [C, outputSize.height, outputSize.width].
///
/// - Source: `torch.nn.AdaptiveAvgPool2d`.
public struct AdaptiveAvgPool2d: Layer {
    /// Size of the output.
    public let outputSize: Size2d

    /// Sets the size of the output; 1 is a global mean.
    public init(_ outputSize: Size2d) {
        self.outputSize = outputSize
    }

    /// Records the pooling of an image [C, H, W].
    public func callAsFunction(_ input: Value) -> Value {
        guard input.shape.rank == 3 else {
            return input.fail("adaptive_avg_pool2d", "takes an image [C, H, W], not \(input.shape)")
        }
        return input.append(
            AdaptivePool(outputSize: [outputSize.height, outputSize.width]), name: "adaptive_avg_pool2d")
    }
}
