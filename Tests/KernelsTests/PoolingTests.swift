// SPDX-License-Identifier: MIT

import Kernels
import TestSupport
import Testing

@Suite("poolings")
struct PoolingTests {
    /// The cases whose windows always meet the image.
    static let cases = ReferenceWindow.oddCases.filter { window in
        window.padding.0 < window.kernel.0 && window.padding.1 < window.kernel.1 && window.height > 2
            && window.dilation == (1, 1) || window.dilation == (2, 3)
    }

    @Test("the largest value of each window", arguments: KernelTable.available)
    func maxPoolMatchesReference(kernels: KernelTable) {
        for window in Self.cases {
            let geometry = window.geometry
            let image = randomFloats(window.height * window.width * window.channels, seed: 1)
            let expected = window.map(image) { values, _ in values.compactMap { $0 }.max() ?? -.infinity }
            let actual = output(expected.count) {
                kernels.pool.max($0, image, geometry, 0..<geometry.outputHeight)
            }
            expectClose(actual, expected.map { Float($0) }, .exact, "\(window)")
        }
    }

    @Test("a NaN wins over numbers wherever it stands in the window", arguments: KernelTable.available)
    func maxPoolKeepsNaN(kernels: KernelTable) {
        let window = ReferenceWindow(channels: 17, height: 2, width: 2, kernel: (2, 2))
        for place in 0..<4 {
            var image = [Float](repeating: 5, count: 4 * 17)
            for channel in 0..<17 { image[place * 17 + channel] = channel == 3 ? .nan : -1 }
            let actual = output(17) { kernels.pool.max($0, image, window.geometry, 0..<1) }
            for channel in 0..<17 { #expect(actual[channel].isNaN == (channel == 3), "place \(place)") }
        }
    }

    @Test("means, over the padding too or over real values only", arguments: KernelTable.available)
    func avgPoolMatchesReference(kernels: KernelTable) {
        for window in Self.cases where window.dilation == (1, 1) {
            let geometry = window.geometry
            let image = randomFloats(window.height * window.width * window.channels, seed: 2)
            for countIncludePad in [true, false] {
                let expected = window.map(image) { values, _ in
                    let real = values.compactMap { $0 }
                    return real.reduce(0, +) / Double(countIncludePad ? values.count : real.count)
                }
                let actual = output(expected.count) {
                    kernels.pool.average($0, image, geometry, countIncludePad, 0..<geometry.outputHeight)
                }
                expectClose(actual, expected.map { Float($0) }, .accumulated, "\(window), \(countIncludePad)")
            }
        }
    }

    @Test("adaptive means of windows that overlap", arguments: KernelTable.available)
    func adaptiveAvgPoolMatchesReference(kernels: KernelTable) {
        let (channels, height, width) = (19, 7, 10)
        let image = randomFloats(channels * height * width, seed: 3)
        for (rows, columns) in [(1, 1), (3, 4), (7, 10), (5, 3), (9, 12)] {
            var expected: [Float] = []
            for y in 0..<rows {
                for x in 0..<columns {
                    let ys = y * height / rows..<((y + 1) * height + rows - 1) / rows
                    let xs = x * width / columns..<((x + 1) * width + columns - 1) / columns
                    for channel in 0..<channels {
                        var sum = 0.0
                        for inputY in ys {
                            for inputX in xs { sum += Double(image[(inputY * width + inputX) * channels + channel]) }
                        }
                        expected.append(Float(sum / Double(ys.count * xs.count)))
                    }
                }
            }
            let geometry = WindowGeometry(
                channels: channels, inputHeight: height, inputWidth: width, outputHeight: rows, outputWidth: columns,
                kernelHeight: 1, kernelWidth: 1)
            let actual = output(expected.count) { kernels.pool.adaptiveAverage($0, image, geometry) }
            expectClose(actual, expected, .accumulated, "\(rows)x\(columns)")
        }
    }
}
