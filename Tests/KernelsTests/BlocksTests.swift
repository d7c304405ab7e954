// SPDX-License-Identifier: MIT

import Kernels
import TestSupport
import Testing

@Suite("kernels around a library's products")
struct BlocksTests {
    @Test("a block begins with biases and residuals, and ends with its activation", arguments: KernelTable.available)
    func beginsAndActivates(kernels: KernelTable) {
        for (rows, columns, stride) in [(1, 1, 1), (3, 16, 21), (5, 37, 37), (2, 3, 9), (0, 4, 4), (4, 70, 75)] {
            let (bias, residual) = (randomFloats(columns, seed: 1), randomFloats(rows * stride + columns, seed: 2))
            let before = [Float](repeating: 7, count: rows * stride)
            for (hasBias, hasResidual) in [(true, true), (true, false), (false, true), (false, false)] {
                var expected = before
                for row in 0..<rows {
                    for column in 0..<columns {
                        expected[row * stride + column] =
                            (hasBias ? bias[column] : 0) + (hasResidual ? residual[row * stride + column] : 0)
                    }
                }
                let begun = output(before.count, from: before) { target in
                    bias.withUnsafeBufferPointer { bias in
                        residual.withUnsafeBufferPointer { residual in
                            kernels.elementwise.beginRows(
                                target, stride,
                                Epilogue(
                                    bias: hasBias ? bias.baseAddress : nil,
                                    residual: hasResidual ? residual.baseAddress : nil), rows, columns)
                        }
                    }
                }
                expectClose(begun, expected, .exact, "\(rows) x \(columns) of \(stride)")
                for row in 0..<rows {
                    for place in row * stride..<row * stride + columns {
                        expected[place] = Float(Reference.silu(Double(expected[place])))
                    }
                }
                let activated = output(before.count, from: begun) {
                    kernels.elementwise.activateRows($0, stride, .silu, rows, columns)
                }
                expectClose(activated, expected, .elementwise, "\(rows) x \(columns) of \(stride)")
                let same = output(before.count, from: begun) {
                    kernels.elementwise.activateRows($0, stride, .none, rows, columns)
                }
                expectClose(same, begun, .exact)
            }
        }
    }

    @Test("rows times their factors", arguments: KernelTable.available)
    func scalesRows(kernels: KernelTable) {
        for (rows, columns) in [(1, 1), (5, 7), (3, 16), (9, 37), (0, 4)] {
            let (input, scale) = (randomFloats(rows * columns, seed: 3), randomFloats(rows, seed: 4))
            expectClose(
                output(input.count) { kernels.elementwise.scaleRows($0, input, scale, rows, columns) },
                input.indices.map { input[$0] * scale[$0 / columns] }, .exact)
        }
    }

    @Test("windows are copied behind each other, zeros beyond the image", arguments: KernelTable.available)
    func copiesWindows(kernels: KernelTable) {
        for window in ReferenceWindow.oddCases {
            let geometry = window.geometry
            let image = randomFloats(window.height * window.width * window.channels, seed: 5)
            let third = window.channels / 3
            for (firstChannel, channels) in [(0, window.channels), (third, window.channels - third)] {
                for lines in [0..<window.outputHeight, window.outputHeight / 2..<window.outputHeight] {
                    var expected: [Float] = []
                    for y in lines {
                        for x in 0..<window.outputWidth {
                            let columns = (firstChannel..<firstChannel + channels).map {
                                window.values(image, outputY: y, outputX: x, channel: $0)
                            }
                            for tap in 0..<window.kernel.0 * window.kernel.1 {
                                expected += columns.map { Float($0[tap] ?? 0) }
                            }
                        }
                    }
                    let actual = output(expected.count) {
                        kernels.move.copyWindows(
                            $0, image, geometry, firstChannel..<firstChannel + channels, lines)
                    }
                    expectClose(actual, expected, .exact, "\(window), channels from \(firstChannel), lines \(lines)")
                }
            }
        }
    }
}
