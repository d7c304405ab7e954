// SPDX-License-Identifier: MIT

import Glibc
import Kernels
import TestSupport
import Testing

@Suite("convolution of planes")
struct PlanarConv2dTests {
    @Test("copies rows and columns apart, zeros beyond the borders", arguments: KernelTable.available)
    func copiesPlanes(kernels: KernelTable) {
        let (height, width, planes) = (5, 67, 3)
        let image = randomFloats(planes * height * width, seed: 1)
        for (rowStep, columnStep, phases) in [(1, 1, 1), (2, 1, 2), (1, 2, 1), (3, 1, 3), (1, 3, 2)] {
            for (firstRow, rows, firstColumn, columns) in [
                (0, 2, 0, 20), (-2, 5, -1, 33), (3, 4, 5, 40), (-9, 3, -80, 19), (1, 2, 66, 2), (1, 1, 90, 17),
            ] {
                let planeStride = rows * phases * columns + 3
                let copy = PlaneCopy(
                    inputHeight: height, inputWidth: width, planes: planes, planeStride: planeStride,
                    firstRow: firstRow, rows: rows, rowStep: rowStep, firstColumn: firstColumn,
                    columnStep: columnStep, phases: phases, columns: columns)
                var expected = [Float](repeating: 7, count: planes * planeStride)
                for plane in 0..<planes {
                    for row in 0..<rows {
                        for phase in 0..<phases {
                            for column in 0..<columns {
                                let y = firstRow + row * rowStep
                                let x = firstColumn + phase * columnStep + column * phases * columnStep
                                let isInside = y >= 0 && y < height && x >= 0 && x < width
                                expected[plane * planeStride + (row * phases + phase) * columns + column] =
                                    isInside ? image[(plane * height + y) * width + x] : 0
                            }
                        }
                    }
                }
                let actual = output(expected.count, from: [Float](repeating: 7, count: expected.count)) {
                    kernels.planes.copy($0, image, copy)
                }
                expectClose(actual, expected, .exact, "\(copy)")
            }
        }
    }

    @Test("turns rows, zeros beyond the borders", arguments: KernelTable.available)
    func turnsPlanes(kernels: KernelTable) {
        let (height, shapes) = (6, [1, 3, 8, 16, 21].flatMap { channels in [9, 37, 64].map { (channels, $0) } })
        for (channels, inputWidth) in shapes {
            let window = ReferenceWindow(channels: channels, height: height, width: inputWidth, kernel: (1, 1))
            let image = randomFloats(channels * height * inputWidth, seed: 2)
            for (firstRow, rows, rowStep, firstColumn, width) in [
                (0, 6, 1, 0, inputWidth), (1, 3, 1, 0, inputWidth), (1, 3, 2, 0, inputWidth),
                (-2, 9, 1, -3, inputWidth + 3), (-2, 9, 1, -3, inputWidth + 5), (3, 5, 1, 0, inputWidth + 1),
                (4, 4, 1, 2, 9), (-1, 2, 3, inputWidth - 1, 4), (0, 1, 1, -40, 12), (9, 2, 1, 0, inputWidth),
                (9, 2, 1, -1, inputWidth + 2), (2, 0, 1, 0, inputWidth), (-7, 4, 1, -1, inputWidth + 2),
            ] {
                var expected: [Float] = []
                for row in 0..<rows {
                    for x in firstColumn..<firstColumn + width {
                        let y = firstRow + row * rowStep
                        let isInside = y >= 0 && y < height && x >= 0 && x < inputWidth
                        for channel in 0..<channels {
                            expected.append(isInside ? image[(channel * height + y) * inputWidth + x] : 0)
                        }
                    }
                }
                let actual = output(expected.count) {
                    kernels.planes.turn($0, image, window.geometry, firstRow, rows, rowStep, firstColumn, width)
                }
                expectClose(
                    actual, expected, .exact,
                    "\(channels) channels of \(inputWidth), rows from \(firstRow) by \(rowStep), columns from "
                        + "\(firstColumn) to \(firstColumn + width)")
            }
        }
    }

    @Test("matches the reference and reads nothing behind the image", arguments: KernelTable.available)
    func matchesReference(kernels: KernelTable) throws {
        for (inputs, outputs) in [(1, 1), (3, 2), (2, 7), (5, 15), (4, 24)] {
            for (lines, width) in [(1, 1), (1, 50), (3, 16), (4, 19), (2, 129), (7, 5)] {
                let (height, rowFloats) = (lines + 2, width + 4)
                let weight = randomFloats(outputs * inputs * 6, seed: 3)
                let bias = randomFloats(outputs, seed: 4)
                let plane = height * rowFloats
                let image = randomFloats(inputs * plane, seed: 5)
                // Windows of 2 x 3, two rows and two columns apart.
                let window = [(0, 0), (0, 2), (0, 4), (2, 0), (2, 2), (2, 4)]
                let places = (0..<inputs).flatMap { input in
                    window.map { input * plane + $0.0 * rowFloats + $0.1 }
                }
                let shape = ConvolutionPlanes(
                    lineCount: lines, linePixels: width, outChannels: outputs, outputPlaneStride: lines * width,
                    outputLineStride: width, inputLineStride: rowFloats, depth: places.count)
                var sums: [Double] = []
                for output in 0..<outputs {
                    for line in 0..<lines {
                        for x in 0..<width {
                            sums.append(
                                places.indices.reduce(Double(bias[output])) {
                                    let value = image[places[$1] + line * rowFloats + x]
                                    return $0 + Double(value) * Double(weight[output * places.count + $1])
                                })
                        }
                    }
                }
                let packed = output(weight.count) { kernels.planes.pack($0, weight, outputs, places.count) }
                let guarded = try GuardedFloats(image)
                for (activation, reference) in [
                    (Activation.none, { $0 }), (.relu, Reference.relu), (.silu, Reference.silu),
                ] {
                    let actual = output(sums.count) {
                        kernels.planes.convolve($0, guarded.start, packed, bias, activation, shape, places)
                    }
                    expectClose(
                        actual, sums.map { Float(reference($0)) }, .accumulated,
                        "\(inputs) to \(outputs) planes, \(lines) lines of \(width), \(activation)")
                }
            }
        }
    }
}

/// Values with a page behind them that can't be read.
private final class GuardedFloats {
    let start: UnsafePointer<Float>
    private let base: UnsafeMutableRawPointer
    private let length: Int

    init(_ values: [Float]) throws {
        let page = 4096
        let bytes = values.count * 4
        length = (bytes + page - 1) / page * page + page
        let memory = try #require(mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
        try #require(memory != MAP_FAILED)
        base = memory
        let target = (memory + length - page - bytes).assumingMemoryBound(to: Float.self)
        for (index, value) in values.enumerated() { target[index] = value }
        try #require(mprotect(memory + length - page, page, PROT_NONE) == 0)
        start = UnsafePointer(target)
    }

    deinit { munmap(base, length) }
}
