// SPDX-License-Identifier: MIT

import Kernels
import TestSupport
import Testing

@Suite("depthwiseConv2d")
struct DepthwiseConv2dTests {
    @Test("matches the reference, with the sums of its rows", arguments: KernelTable.available)
    func matchesReference(kernels: KernelTable) {
        for window in ReferenceWindow.oddCases {
            let geometry = window.geometry
            let channels = window.channels
            let image = randomFloats(window.height * window.width * channels, seed: 1)
            let taps = window.kernel.0 * window.kernel.1
            let weight = randomFloats(channels * taps, seed: 2)
            let packed = output(kernels.gemm.packedCount(channels, taps)) {
                kernels.gemm.pack($0, weight, channels, taps, .padded)
            }
            let bias = randomFloats(channels, seed: 3)
            let expected = window.map(image) { values, channel in
                var sum = Double(bias[channel])
                for (tap, value) in values.enumerated() {
                    sum += (value ?? 0) * Double(weight[channel * taps + tap])
                }
                return Reference.silu(sum)
            }
            var sums: [Float] = []
            let actual = output(expected.count) { target in
                sums = output(geometry.outputHeight * channels) { rowSums in
                    kernels.depthwise.convolve(
                        target, sums: rowSums, image, packed, bias, .silu, geometry, rows: 0..<geometry.outputHeight)
                }
            }
            expectClose(actual, expected.map { Float($0) }, .accumulated, "\(window)")
            let expectedSums = (0..<geometry.outputHeight * channels).map { index in
                (0..<geometry.outputWidth).reduce(0.0) {
                    $0 + expected[(index / channels * geometry.outputWidth + $1) * channels + index % channels]
                }
            }
            expectClose(sums, expectedSums.map { Float($0) }, .accumulated, "sums of \(window)")
        }
    }

    @Test("rows written one by one have the same bits", arguments: KernelTable.available)
    func bitsDoNotDependOnTheSplit(kernels: KernelTable) {
        for window in ReferenceWindow.oddCases where window.channels == 19 {
            let geometry = window.geometry
            let image = randomFloats(window.height * window.width * 19, seed: 4)
            let taps = window.kernel.0 * window.kernel.1
            let weight = randomFloats(kernels.gemm.packedCount(19, taps), seed: 5)
            let count = geometry.outputHeight * geometry.outputWidth * 19
            let whole = output(count) {
                kernels.depthwise.convolve(
                    $0, image, weight, nil, .none, geometry, rows: 0..<geometry.outputHeight)
            }
            let parts = output(count) { target in
                for row in (0..<geometry.outputHeight).reversed() {
                    kernels.depthwise.convolve(target, image, weight, nil, .none, geometry, rows: row..<row + 1)
                }
            }
            expectClose(parts, whole, .exact, "\(window)")
        }
    }

    @Test("some channels of an image, from and to images of other widths", arguments: KernelTable.available)
    func convolvesSomeChannels(kernels: KernelTable) {
        let panel = kernels.panelWidth
        for window in ReferenceWindow.oddCases where window.channels == 33 {
            let geometry = window.geometry
            let taps = window.kernel.0 * window.kernel.1
            let image = randomFloats(window.height * window.width * 33, seed: 6)
            let weight = randomFloats(kernels.gemm.packedCount(33, taps), seed: 7)
            let pixels = geometry.outputHeight * geometry.outputWidth
            func convolve(_ target: Output, _ stride: Int, _ sums: Output, from first: Int, count: Int) {
                var part = geometry
                part.channels = count
                image.withUnsafeBufferPointer { image in
                    weight.withUnsafeBufferPointer { weight in
                        guard let image = image.baseAddress, let weight = weight.baseAddress else { return }
                        kernels.depthwise.convolve(
                            DepthwiseCall(
                                output: target, outputStride: stride, rowSums: sums, input: image + first,
                                inputStride: 33, packed: weight + first * taps,
                                epilogue: Epilogue(activation: .relu), geometry: part, rows: 0..<part.outputHeight))
                    }
                }
            }
            var sums: [Float] = []
            let whole = output(pixels * 33) { target in
                sums = output(geometry.outputHeight * 33) { convolve(target, 33, $0, from: 0, count: 33) }
            }
            var partSums: [Float] = []
            let part = output(pixels * 33, from: whole.map { _ in 7 }) { target in
                partSums = output(geometry.outputHeight * 33, from: sums.map { _ in 7 }) {
                    convolve(target + panel, 33, $0 + panel, from: panel, count: 33 - panel)
                }
            }
            let isTaken = { (index: Int) in index % 33 >= panel }
            expectClose(part, whole.indices.map { isTaken($0) ? whole[$0] : 7 }, .exact, "\(window)")
            expectClose(partSums, sums.indices.map { isTaken($0) ? sums[$0] : 7 }, .exact, "sums of \(window)")
        }
    }
}
