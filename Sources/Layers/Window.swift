// SPDX-License-Identifier: MIT

import Operators
import Tensors

/// A window that slides over an image: kernel size, stride, dilation, padding, and how the output's size is rounded.
struct Window: Sendable, Equatable {
    var kernelSize: Size2d
    var stride: Size2d = 1
    var dilation: Size2d = 1
    var padding: Padding = 0
    var ceilMode = false

    /// The window with its padding in numbers, for an image of shape [C, H, W].
    ///
    /// Whether it fits is the operator's to say.
    func sliding(over shape: Shape) -> SlidingWindow {
        let vertical = padding(input: shape[1], isVertical: true)
        let horizontal = padding(input: shape[2], isVertical: false)
        return SlidingWindow(
            kernel: [kernelSize.height, kernelSize.width], strides: [stride.height, stride.width],
            dilations: [dilation.height, dilation.width], before: [vertical.before, horizontal.before],
            after: [vertical.after, horizontal.after], ceilMode: ceilMode)
    }

    private func padding(input: Int, isVertical: Bool) -> (before: Int, after: Int) {
        let kernel = isVertical ? kernelSize.height : kernelSize.width
        let dilation = isVertical ? dilation.height : dilation.width
        return padding.amounts(
            input: input, window: (kernel &- 1) &* dilation &+ 1, stride: isVertical ? stride.height : stride.width,
            isVertical: isVertical)
    }
}
