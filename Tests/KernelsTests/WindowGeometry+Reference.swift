// SPDX-License-Identifier: MIT

import Kernels
import TestSupport

extension ReferenceWindow {
    /// The window as the kernels take it.
    var geometry: WindowGeometry {
        WindowGeometry(
            channels: channels, inputHeight: height, inputWidth: width, outputHeight: outputHeight,
            outputWidth: outputWidth, kernelHeight: kernel.0, kernelWidth: kernel.1, strideHeight: stride.0,
            strideWidth: stride.1, dilationHeight: dilation.0, dilationWidth: dilation.1, padTop: padding.0,
            padLeft: padding.1, padBottom: padding.2, padRight: padding.3)
    }

    /// Sizes and paddings that are easy to get wrong: narrow images, padding beyond the window, tails of every length.
    static let oddCases: [ReferenceWindow] = {
        var cases: [ReferenceWindow] = []
        for channels in [1, 3, 7, 16, 19, 33] {
            for (kernel, stride) in [(3, 1), (3, 2), (5, 1), (5, 2), (2, 2), (4, 3)] {
                cases.append(
                    ReferenceWindow(
                        channels: channels, height: 9, width: 17, kernel: (kernel, kernel), stride: (stride, stride),
                        padding: (kernel / 2, kernel / 2, kernel / 2, kernel / 2)))
                cases.append(
                    ReferenceWindow(
                        channels: channels, height: 12, width: 31, kernel: (kernel, kernel), stride: (stride, stride),
                        padding: (0, 0, kernel - 1, kernel - 1)))
            }
            cases.append(
                ReferenceWindow(
                    channels: channels, height: 2, width: 3, kernel: (5, 5), padding: (2, 2, 2, 2)))
            cases.append(
                ReferenceWindow(
                    channels: channels, height: 11, width: 10, kernel: (3, 3), dilation: (2, 3), padding: (2, 3, 2, 3)))
            cases.append(
                ReferenceWindow(
                    channels: channels, height: 6, width: 8, kernel: (1, 3), stride: (2, 1), padding: (0, 1, 0, 0)))
        }
        return cases
    }()
}

/// Runs a kernel on an output of `count` values and checks that it writes neither before nor behind them.
func output(_ count: Int, from initial: [Float]? = nil, _ body: (Output) -> Void) -> [Float] {
    let margin = 40
    var buffer = [Float](repeating: 12345, count: count + 2 * margin)
    if let initial { buffer.replaceSubrange(margin..<margin + count, with: initial) }
    buffer.withUnsafeMutableBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return }
        body(base + margin)
    }
    let isIntact = (buffer.prefix(margin) + buffer.suffix(margin)).allSatisfy { $0 == 12345 }
    precondition(isIntact, "a kernel wrote outside of its output")
    return Array(buffer[margin..<margin + count])
}
