// SPDX-License-Identifier: MIT

import Kernels
import TestSupport
import Testing

@Suite("convolution by lines")
struct Conv2dTests {
    /// Columns and rows that all windows span, from the padding's corner on.
    private func span(_ geometry: WindowGeometry) -> (rows: Int, columns: Int) {
        (
            (geometry.outputHeight - 1) * geometry.strideHeight + (geometry.kernelHeight - 1) * geometry.dilationHeight
                + 1,
            (geometry.outputWidth - 1) * geometry.strideWidth + (geometry.kernelWidth - 1) * geometry.dilationWidth + 1
        )
    }

    /// Copies all that the windows span.
    private func copySpan(_ output: Output, _ kernels: KernelTable, _ image: [Float], _ geometry: WindowGeometry) {
        let (rows, columns) = span(geometry)
        kernels.move.copyPadded(
            output, image, geometry, 0..<geometry.channels, -geometry.padTop..<rows - geometry.padTop,
            -geometry.padLeft..<columns - geometry.padLeft)
    }

    @Test("copies any rows, columns and channels, zeros beyond the borders", arguments: KernelTable.available)
    func copiesWithBorders(kernels: KernelTable) {
        for window in ReferenceWindow.oddCases {
            let geometry = window.geometry
            let image = randomFloats(window.height * window.width * window.channels, seed: 4)
            let first = window.channels / 3
            for (firstChannel, channels) in [(first, window.channels - first), (0, window.channels)] {
                for (firstRow, rows, firstColumn, width) in [
                    (-geometry.padTop, span(geometry).rows, -geometry.padLeft, span(geometry).columns),
                    (1, 2, 1, 1), (-3, 2, -9, 4), (window.height - 1, 3, window.width - 1, 5), (0, 1, window.width, 2),
                ] {
                    var expected: [Float] = []
                    for y in firstRow..<firstRow + rows {
                        for x in firstColumn..<firstColumn + width {
                            let isInside = y >= 0 && y < window.height && x >= 0 && x < window.width
                            for channel in firstChannel..<firstChannel + channels {
                                expected.append(
                                    isInside ? image[(y * window.width + x) * window.channels + channel] : 0)
                            }
                        }
                    }
                    let actual = output(expected.count) {
                        kernels.move.copyPadded(
                            $0, image, geometry, firstChannel..<firstChannel + channels, firstRow..<firstRow + rows,
                            firstColumn..<firstColumn + width)
                    }
                    expectClose(actual, expected, .exact, "\(window), from row \(firstRow), column \(firstColumn)")
                }
            }
        }
    }

    @Test("matches the reference, with bias, residual and activation", arguments: KernelTable.available)
    func matchesReference(kernels: KernelTable) {
        for window in ReferenceWindow.oddCases {
            for n in [1, 21] { check(kernels, window, n: n) }
        }
    }

    private func check(_ kernels: KernelTable, _ window: ReferenceWindow, n: Int) {
        let geometry = window.geometry
        let (height, width, channels) = (window.outputHeight, window.outputWidth, window.channels)
        let depth = window.kernel.0 * window.kernel.1 * channels
        let image = randomFloats(window.height * window.width * channels, seed: 1)
        let weight = randomFloats(n * depth, seed: 2)
        let bias = randomFloats(n, seed: 3)
        let residual = randomFloats(height * width * n, seed: 4)
        let sums = window.convolve(image, weight: weight, bias: bias, residual: residual)
        let (rows, columns) = span(geometry)
        let padded = output(rows * columns * channels) {
            copySpan($0, kernels, image, geometry)
        }
        let packed = output(kernels.gemm.packedCount(n, depth)) { kernels.gemm.pack($0, weight, n, depth, .padded) }
        for isDense in [true, false] where !isDense || geometry.dilationWidth == 1 {
            let lines = ConvolutionLines(
                lineCount: height, linePixels: width, outChannels: n, outputStride: n, outputLineStride: width * n,
                inputStride: geometry.strideWidth * channels,
                inputLineStride: geometry.strideHeight * columns * channels,
                windowRows: geometry.kernelHeight, windowRowStride: geometry.dilationHeight * columns * channels,
                windowTaps: isDense ? 1 : geometry.kernelWidth, windowTapStride: geometry.dilationWidth * channels,
                tapLength: isDense ? geometry.kernelWidth * channels : channels)
            for (activation, reference) in [(Activation.relu, Reference.relu), (.silu, Reference.silu)] {
                let actual = output(sums.count) {
                    convolve(kernels.windows.convolve, $0, padded, packed, bias, residual, activation, lines)
                }
                expectClose(actual, sums.map { Float(reference($0)) }, .accumulated, "\(window), n \(n), \(activation)")
                let runs = lines.windowRows * lines.windowTaps
                let filters = output(kernels.windows.dotsPackedCount(n, runs, lines.tapLength)) {
                    kernels.windows.packDots($0, weight, n, runs, lines.tapLength)
                }
                let dots = output(sums.count) {
                    convolve(kernels.windows.convolveDots, $0, padded, filters, bias, residual, activation, lines)
                }
                expectClose(
                    dots, sums.map { Float(reference($0)) }, .accumulated, "dots, \(window), n \(n), \(activation)")
            }
        }
    }

    /// Windows that lie above, below or around the image with some of their rows, or all, or whose panels are deep enough to
    /// be done in parts at some level or all.
    static let overhangingCases: [ReferenceWindow] = [
        .init(channels: 3, height: 4, width: 5, kernel: (7, 7), dilation: (2, 2), padding: (6, 6, 6, 6)),
        .init(channels: 17, height: 2, width: 9, kernel: (2, 3), dilation: (3, 1), padding: (8, 1, 6, 1)),
        .init(
            channels: 2, height: 5, width: 13, kernel: (5, 1), stride: (3, 2), dilation: (3, 1), padding: (13, 0, 4, 0)),
        .init(channels: 5, height: 1, width: 4, kernel: (4, 2), stride: (2, 1), padding: (5, 0, 4, 1)),
        .init(channels: 180, height: 5, width: 4, kernel: (5, 5), dilation: (2, 1), padding: (5, 2, 5, 2)),
        .init(channels: 700, height: 3, width: 3, kernel: (5, 5), padding: (6, 2, 3, 2)),
        .init(channels: 240, height: 9, width: 5, kernel: (9, 1), stride: (4, 2), padding: (12, 0, 9, 0)),
    ]

    @Test("rows beyond the image are not read, and parts of deep windows add up", arguments: KernelTable.available)
    func leavesOutRowsBeyondTheImage(kernels: KernelTable) {
        for window in Self.overhangingCases + ReferenceWindow.oddCases {
            for n in window.channels > 100 ? [35] : [3, 21] { checkRows(kernels, window, n: n) }
        }
    }

    private func checkRows(_ kernels: KernelTable, _ window: ReferenceWindow, n: Int) {
        let geometry = window.geometry
        let (height, width, channels) = (window.outputHeight, window.outputWidth, window.channels)
        let depth = window.kernel.0 * window.kernel.1 * channels
        let image = randomFloats(window.height * window.width * channels, seed: 11)
        let weight = randomFloats(n * depth, seed: 12).map { $0 / Float(depth).squareRoot() }
        let bias = randomFloats(n, seed: 13)
        let residual = randomFloats(height * width * n, seed: 14)
        let sums = window.convolve(image, weight: weight, bias: bias, residual: residual)
        let (rows, columns) = span(geometry)
        var padded = output(rows * columns * channels) {
            copySpan($0, kernels, image, geometry)
        }
        for row in 0..<rows where !(0..<window.height).contains(row - geometry.padTop) {
            for place in row * columns * channels..<(row + 1) * columns * channels { padded[place] = .nan }
        }
        let lines = ConvolutionLines(
            lineCount: height, linePixels: width, outChannels: n, outputStride: n, outputLineStride: width * n,
            inputStride: geometry.strideWidth * channels, inputLineStride: geometry.strideHeight * columns * channels,
            windowRows: geometry.kernelHeight, windowRowStride: geometry.dilationHeight * columns * channels,
            windowTaps: geometry.kernelWidth, windowTapStride: geometry.dilationWidth * channels, tapLength: channels,
            rows: RowsOfLines(
                count: window.height, first: -geometry.padTop, lineStep: geometry.strideHeight,
                windowStep: geometry.dilationHeight))
        let packed = output(kernels.gemm.packedCount(n, depth)) { kernels.gemm.pack($0, weight, n, depth, .padded) }
        let runs = lines.windowRows * lines.windowTaps
        let filters = output(kernels.windows.dotsPackedCount(n, runs, channels)) {
            kernels.windows.packDots($0, weight, n, runs, channels)
        }
        for (activation, reference) in [(Activation.relu, Reference.relu), (.silu, Reference.silu)] {
            let expected = sums.map { Float(reference($0)) }
            let whole = output(sums.count) {
                convolve(kernels.windows.convolve, $0, padded, packed, bias, residual, activation, lines)
            }
            expectClose(whole, expected, .accumulated, "\(window), n \(n), \(activation)")
            let dots = output(sums.count) {
                convolve(kernels.windows.convolveDots, $0, padded, filters, bias, residual, activation, lines)
            }
            expectClose(dots, expected, .accumulated, "dots, \(window), n \(n), \(activation)")
            let single = output(sums.count, from: residual) { target in
                convolveByParts(kernels, target, padded, packed, bias, activation, lines)
            }
            expectClose(single, whole, .exact, "a line and a panel at a time, \(window), n \(n), \(activation)")
        }
    }

    /// Computes each line and each panel by itself, onto the output.
    private func convolveByParts(
        _ kernels: KernelTable, _ output: Output, _ input: [Float], _ packed: [Float], _ bias: [Float],
        _ activation: Activation, _ lines: ConvolutionLines
    ) {
        for line in 0..<lines.lineCount {
            for column in stride(from: 0, to: lines.outChannels, by: kernels.panelWidth) {
                var part = lines
                part.lineCount = 1
                part.outChannels = min(kernels.panelWidth, lines.outChannels - column)
                part.rows.first += line * lines.rows.lineStep
                let target = output + line * lines.outputLineStride + column
                convolve(
                    kernels.windows.convolve, target, Array(input[(line * lines.inputLineStride)...]),
                    Array(packed[(column * lines.depth)...]),
                    Array(bias[column...]), Input(target), activation, part)
            }
        }
    }

    @Test("one filter per channel, any window, matches the reference", arguments: KernelTable.available)
    func channelsMatchReference(kernels: KernelTable) {
        for window in ReferenceWindow.oddCases {
            let geometry = window.geometry
            let (height, width, channels) = (window.outputHeight, window.outputWidth, window.channels)
            let taps = window.kernel.0 * window.kernel.1
            let image = randomFloats(window.height * window.width * channels, seed: 5)
            let weight = randomFloats(channels * taps, seed: 6)
            let bias = randomFloats(channels, seed: 7)
            let residual = randomFloats(height * width * channels, seed: 8)
            let sums = window.map(image) { values, channel in
                values.enumerated().reduce(Double(bias[channel])) { sum, value in
                    sum + (value.element ?? 0) * Double(weight[channel * taps + value.offset])
                }
            }
            let (rows, columns) = span(geometry)
            let padded = output(rows * columns * channels) {
                copySpan($0, kernels, image, geometry)
            }
            let packed = output(kernels.gemm.packedCount(channels, taps)) {
                kernels.gemm.pack($0, weight, channels, taps, .padded)
            }
            let lines = ConvolutionLines(
                lineCount: height, linePixels: width, outChannels: channels, outputStride: channels,
                outputLineStride: width * channels, inputStride: geometry.strideWidth * channels,
                inputLineStride: geometry.strideHeight * columns * channels, windowRows: geometry.kernelHeight,
                windowRowStride: geometry.dilationHeight * columns * channels, windowTaps: geometry.kernelWidth,
                windowTapStride: geometry.dilationWidth * channels, tapLength: 1)
            for (activation, reference) in [(Activation.relu, Reference.relu), (.silu, Reference.silu)] {
                let actual = output(sums.count) {
                    convolve(kernels.windows.convolveChannels, $0, padded, packed, bias, residual, activation, lines)
                }
                let expected = zip(sums, residual).map { Float(reference($0 + Double($1))) }
                expectClose(actual, expected, .accumulated, "\(window), \(activation)")
                let groups = output(sums.count) {
                    convolve(
                        kernels.windows.convolveGroups, $0, padded, packed, bias, residual, activation, lines,
                        groups: channels)
                }
                expectClose(groups, expected, .accumulated, "as groups, \(window), \(activation)")
            }
        }
    }
}
