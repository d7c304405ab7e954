// SPDX-License-Identifier: MIT

import Kernels
import Tensors

/// A window that slides over an image: kernel size, stride, dilation, padding, and how the output's size is rounded.
struct Window: Sendable, Equatable {
    var kernelSize: Size2d
    var stride: Size2d = 1
    var dilation: Size2d = 1
    var padding: Padding = 0
    var ceilMode = false

    /// Places the window over an image of shape [C, H, W].
    ///
    /// - Precondition: The window fits into the padded image at least once.
    /// - Source: the output sizes that `torch.nn.Conv2d` and `torch.nn.MaxPool2d` document.
    func geometry(over shape: Shape) -> WindowGeometry {
        precondition(shape.rank == 3, "a window slides over an image [C, H, W], not over \(shape)")
        let vertical = axis(input: shape[1], isVertical: true)
        let horizontal = axis(input: shape[2], isVertical: false)
        return WindowGeometry(
            channels: shape[0], inputHeight: shape[1], inputWidth: shape[2],
            outputHeight: vertical.output, outputWidth: horizontal.output,
            kernelHeight: kernelSize.height, kernelWidth: kernelSize.width,
            strideHeight: stride.height, strideWidth: stride.width,
            dilationHeight: dilation.height, dilationWidth: dilation.width,
            padTop: vertical.before, padLeft: horizontal.before,
            padBottom: vertical.after, padRight: horizontal.after)
    }

    private func axis(input: Int, isVertical: Bool) -> (output: Int, before: Int, after: Int) {
        let kernel = isVertical ? kernelSize.height : kernelSize.width
        let stride = isVertical ? stride.height : stride.width
        let dilation = isVertical ? dilation.height : dilation.width
        let extent = (kernel - 1) * dilation + 1
        let (before, after) = padding.amounts(input: input, window: extent, stride: stride, isVertical: isVertical)
        let room = input + before + after - extent
        precondition(room >= 0, "a window of \(extent) does not fit into \(input) with padding \(before) and \(after)")
        var output = room / stride + 1
        if ceilMode, room % stride != 0, output * stride < input + before {
            output += 1  // the last window starts inside the image or its leading padding
        }
        return (output, before, after)
    }
}
