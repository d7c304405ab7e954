// SPDX-License-Identifier: MIT

import Kernels
import TestSupport
import Testing

@Suite("elementwise kernels")
struct ElementwiseTests {
    static let references: [(Activation, @Sendable (Double) -> Double)] = [
        (.none, { $0 }), (.relu, Reference.relu), (.relu6, Reference.relu6), (.silu, Reference.silu),
        (.sigmoid, Reference.sigmoid), (.tanh, Reference.hyperbolicTangent), (.hardSwish, Reference.hardSwish),
        (.hardSigmoid, Reference.hardSigmoid), (.gelu, Reference.gelu), (.geluTanh, Reference.geluTanh),
    ]

    @Test("activations match the reference from -200 to 200", arguments: KernelTable.available)
    func activationsMatchReference(kernels: KernelTable) {
        #expect(Self.references.count == Activation.allCases.count)
        let wide = (-4000...4000).map { Float($0) / 20 }
        let narrow = randomFloats(1003, seed: 1)
        let extremes: [Float] = [0, -0.0, 1e-30, -1e-30, .leastNonzeroMagnitude, 87.5, -87.5, 88.5, -88.5, 1e30, -1e30]
        let input = wide + narrow + extremes
        for (activation, reference) in Self.references {
            let actual = output(input.count) { kernels.elementwise.activate($0, input, activation, input.count) }
            expectClose(actual, input.map { Float(reference(Double($0))) }, .elementwise, "\(activation)")
        }
    }

    @Test("NaN stays NaN, infinities become what the functions tend to", arguments: KernelTable.available)
    func activationsOfSpecialValues(kernels: KernelTable) {
        let input: [Float] = [.nan, .infinity, -.infinity]
        let limits: [Activation: [Float]] = [
            .relu: [.nan, .infinity, 0], .relu6: [.nan, 6, 0], .sigmoid: [.nan, 1, 0], .tanh: [.nan, 1, -1],
            .hardSigmoid: [.nan, 1, 0], .none: input, .silu: [.nan, .infinity, .nan],
        ]
        for (activation, expected) in limits {
            let actual = output(3) { kernels.elementwise.activate($0, input, activation, 3) }
            expectClose(actual, expected, .elementwise, "\(activation)")
        }
    }

    @Test("a value's bits don't depend on its place", arguments: KernelTable.available)
    func bitsDoNotDependOnThePlace(kernels: KernelTable) {
        let input = randomFloats(67, seed: 2)
        for activation in Activation.allCases {
            let whole = output(67) { kernels.elementwise.activate($0, input, activation, 67) }
            let single = input.map { value in output(1) { kernels.elementwise.activate($0, [value], activation, 1) }[0]
            }
            expectClose(whole, single, .exact, "\(activation)")
        }
    }

    @Test("addition, in place and apart", arguments: KernelTable.available)
    func addMatchesReference(kernels: KernelTable) {
        for count in [0, 1, 15, 16, 47, 2048, 5003] {
            let (a, b) = (randomFloats(count, seed: 3), randomFloats(count, seed: 4))
            let expected = zip(a, b).map { Float(Reference.relu(Double($0) + Double($1))) }
            expectClose(output(count) { kernels.elementwise.add($0, a, b, .relu, count) }, expected, .elementwise)
            expectClose(
                output(count, from: a) { kernels.elementwise.add($0, Input($0), b, .relu, count) }, expected,
                .elementwise)
        }
    }

    @Test("scale and shift, scale alone, sums of rows", arguments: KernelTable.available)
    func channelwiseKernelsMatchReference(kernels: KernelTable) {
        for (rows, channels) in [(1, 1), (5, 7), (3, 16), (9, 37), (0, 4), (6, 275)] {
            let input = randomFloats(rows * channels, seed: 5)
            let (scale, shift) = (randomFloats(channels, seed: 6), randomFloats(channels, seed: 7))
            let affine = input.indices.map {
                Float(Reference.silu(Double(input[$0]) * Double(scale[$0 % channels]) + Double(shift[$0 % channels])))
            }
            expectClose(
                output(input.count) { kernels.elementwise.affine($0, input, scale, shift, .silu, rows, channels) },
                affine,
                .elementwise)
            expectClose(
                output(input.count) { kernels.elementwise.scaleColumns($0, input, scale, rows, channels) },
                input.indices.map { input[$0] * scale[$0 % channels] }, .exact)
            let sums = (0..<channels).map { channel in
                Float((0..<rows).reduce(0.0) { $0 + Double(input[$1 * channels + channel]) } * 0.25)
            }
            expectClose(
                output(channels) { kernels.reduce.sumRows($0, input, 0.25, rows, channels) }, sums, .accumulated)
        }
    }

    @Test("transposition", arguments: KernelTable.available)
    func transposeMatchesReference(kernels: KernelTable) {
        let sizes = [1, 3, 4, 5, 7, 8, 13, 16, 17, 33, 47, 50]
        let pairs =
            sizes.flatMap { rows in sizes.map { (rows, $0) } } + [(300, 37), (37, 300), (131, 129), (512, 37), (0, 3)]
        for (rows, columns) in pairs {
            for (inputGap, outputGap) in [(0, 0), (3, 0), (0, 5), (300, 1)] {
                let (inputStride, outputStride) = (columns + inputGap, rows + outputGap)
                let input = randomFloats(rows * inputStride, seed: 8)
                var expected = [Float](repeating: 7, count: columns * outputStride)
                for row in 0..<rows {
                    for column in 0..<columns {
                        expected[column * outputStride + row] = input[row * inputStride + column]
                    }
                }
                let untouched = [Float](repeating: 7, count: expected.count)
                let actual = output(expected.count, from: untouched) {
                    kernels.move.transpose($0, outputStride, input, inputStride, rows, columns)
                }
                expectClose(actual, expected, .exact, "\(rows) x \(columns), gaps \(inputGap) and \(outputGap)")
            }
        }
    }

    @Test("softmax and its logarithm, of rows of any length", arguments: KernelTable.available)
    func softmaxMatchesReference(kernels: KernelTable) {
        for columns in [1, 4, 10, 15, 16, 17, 31, 37, 197, 1000] {
            let rows = 3
            var input = randomFloats(rows * columns, seed: 9).map { $0 * 20 }
            input[0] = 200
            let expected = (0..<rows).flatMap { Reference.softmax(Array(input[$0 * columns..<($0 + 1) * columns])) }
            expectClose(
                output(input.count) { kernels.reduce.softmax($0, input, rows, columns) }, expected.map { Float($0) },
                .elementwise)
            let logarithms = output(input.count) { kernels.reduce.logSoftmax($0, input, rows, columns) }
            var inPlace = input
            inPlace.withUnsafeMutableBufferPointer { values in
                guard let base = values.baseAddress else { return }
                kernels.reduce.softmax(base, UnsafePointer(base), rows, columns)
            }
            #expect(inPlace == output(input.count) { kernels.reduce.softmax($0, input, rows, columns) })
            for place in 0..<columns {
                // The largest value at each place; a NaN makes its row NaN, and no other.
                input = randomFloats(rows * columns, seed: 9).map { $0 * 20 }
                input[place] = 200
                input[columns + place] = .nan
                let answer = output(input.count) { kernels.reduce.softmax($0, input, rows, columns) }
                #expect(answer[place] > 0.999 && answer[place] <= 1)
                #expect(answer[columns..<2 * columns].allSatisfy { $0.isNaN })
                #expect(answer[(2 * columns)...].allSatisfy { $0 >= 0 && $0 <= 1 })
            }
            let total = (0..<columns).reduce(0.0) { $0 + Reference.exponential(Double(logarithms[columns + $1])) }
            if rows > 1 { expectClose([Float(total)], [1], .accumulated, "probabilities add up to 1") }
            for (logarithm, probability) in zip(logarithms, expected) where probability > 1e-30 {
                expectClose([logarithm], [Float(Reference.logarithm(probability))], .accumulated)
            }
        }
    }
}
