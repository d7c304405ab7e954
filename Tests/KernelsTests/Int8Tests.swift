// SPDX-License-Identifier: MIT

import Kernels
import TestSupport
import Testing

/// The integer kernels of every level against exact integers, and each level's bits against the others'.
@Suite("int8")
struct Int8Tests {
    /// What the contract says becomes of a sum.
    static func requantized(
        _ sum: Int, bias: Int32, multiplier: Float, residual: Int? = nil, residualZero: Int = 0,
        residualMultiplier: Float = 0, low: Float, high: Float, zero: Int
    ) -> (value: Float, byte: UInt8) {
        var value = Float(Int32(sum + Int(bias))) * multiplier
        if let residual { value += Float(residual - residualZero) * residualMultiplier }
        value = min(max(value, low), high)
        let byte = Int(value.rounded(.toNearestOrEven)) + zero
        return (value, UInt8(truncatingIfNeeded: byte))
    }

    /// Random bytes with many of the largest and the smallest.
    static func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { _ in
            switch UInt8.random(in: 0...5, using: &random) {
            case 0: 0
            case 1: 255
            default: UInt8.random(in: 0...255, using: &random)
            }
        }
    }

    static func weights(_ count: Int, seed: UInt64) -> [Int8] {
        bytes(count, seed: seed).map { Int8(bitPattern: $0 ^ 128) }
    }

    struct Epilogue: Sendable {
        var zero: Int
        var hasResidual = false
        var hasTable = false
        var isFloat = false
        /// Bounds on both sides, in the place of a byte's.
        var bound: Float?
        var low: Float { bound.map { -$0 } ?? Float(-zero) }
        var high: Float { bound ?? Float(255 - zero) }
    }

    static let epilogues: [Epilogue] = [
        Epilogue(zero: 0), Epilogue(zero: 255), Epilogue(zero: 131, hasResidual: true),
        Epilogue(zero: 7, hasTable: true), Epilogue(zero: 0, hasResidual: true, isFloat: true),
    ]

    /// Heights and widths on both sides of every tile's, depths on both sides of a word's and a vector's.
    static let sizes: [(m: Int, n: Int, runs: Int, length: Int)] = [
        (1, 1, 1, 1), (1, 10, 1, 128), (1, 129, 1, 37), (2, 40, 1, 16), (3, 65, 3, 5), (4, 16, 1, 33), (5, 24, 3, 9),
        (6, 17, 1, 40), (7, 48, 1, 24), (13, 31, 3, 7), (14, 32, 1, 16), (15, 33, 2, 17), (29, 49, 1, 20),
        (30, 4, 1, 3),
        (8, 8, 1, 4096), (3, 8, 1, 0), (27, 5, 1, 66), (33, 9, 1, 65), (7, 64, 1, 24), (6, 96, 2, 6), (1, 192, 1, 12),
        (11, 200, 1, 9), (12, 32, 1, 8), (5, 80, 3, 11),
    ]

    @Test("products are exact integers, requantised as the contract says", arguments: Int8Kernels.available)
    func products(kernels: Int8Kernels) {
        for (index, size) in Self.sizes.enumerated() {
            let (m, n, depth) = (size.m, size.n, size.runs * size.length)
            let a = Self.bytes(m * depth, seed: UInt64(index))
            let weight = Self.weights(n * depth, seed: UInt64(index) + 100)
            let residual = Self.bytes(m * n, seed: UInt64(index) + 200)
            let table = Self.bytes(256, seed: 300)
            var random = SeededGenerator(seed: UInt64(index))
            let bias = (0..<kernels.padded(n)).map { _ in Int32.random(in: -100_000...100_000, using: &random) }
            let scale = 4 / Float(max(1, depth)).squareRoot() / 5461
            let multiplier = (0..<kernels.padded(n)).map { _ in Float.random(in: 0...scale * 4, using: &random) }
            for epilogue in Self.epilogues {
                let actual = multiply(
                    kernels, a, weight, size, bias, multiplier, residual: epilogue.hasResidual ? residual : nil,
                    table: epilogue.hasTable ? table : nil, epilogue)
                for row in 0..<m {
                    for column in 0..<n {
                        var sum = 0
                        for d in 0..<depth { sum += Int(a[row * depth + d]) * Int(weight[column * depth + d]) }
                        let expected = Self.requantized(
                            sum, bias: bias[column], multiplier: multiplier[column],
                            residual: epilogue.hasResidual ? Int(residual[row * n + column]) : nil, residualZero: 131,
                            residualMultiplier: 0.7, low: epilogue.low, high: epilogue.high, zero: epilogue.zero)
                        let wanted =
                            epilogue.isFloat
                            ? expected.value : Float(epilogue.hasTable ? table[Int(expected.byte)] : expected.byte)
                        if actual[row * n + column] != wanted {
                            Issue.record(
                                "\(kernels.name) \(size) \(epilogue) at \(row), \(column): \(actual[row * n + column]), not \(wanted)"
                            )
                            return
                        }
                    }
                }
            }
        }
    }

    /// The outputs, as Floats whatever they are.
    private func multiply(
        _ kernels: Int8Kernels, _ a: [UInt8], _ weight: [Int8], _ size: (m: Int, n: Int, runs: Int, length: Int),
        _ bias: [Int32], _ multiplier: [Float], residual: [UInt8]?, table: [UInt8]?, _ epilogue: Epilogue
    ) -> [Float] {
        let (m, n, depth) = (size.m, size.n, size.runs * size.length)
        var packed = [Int32](repeating: 7, count: kernels.packedWords(n, runs: size.runs, length: size.length))
        kernels.pack(&packed, weight, n, size.runs, size.length)
        // The runs of all rows, one run after the other.
        let runWords = kernels.words(size.length)
        var words = [Int32](repeating: 7, count: m * size.runs * runWords + 1)
        words.withUnsafeMutableBytes { words in
            a.withUnsafeBufferPointer { a in
                guard let target = words.baseAddress, let source = a.baseAddress else { return }
                for run in 0..<size.runs {
                    kernels.expand(
                        target + 4 * run * m * runWords, 4 * runWords, source + run * size.length, depth, m,
                        size.length)
                }
            }
        }
        // Guards behind the end must stay.
        var bytes = [UInt8](repeating: 99, count: m * n + 3)
        var floats = [Float](repeating: 99, count: m * n + 3)
        bytes.withUnsafeMutableBufferPointer { bytes in
            floats.withUnsafeMutableBufferPointer { floats in
                bias.withUnsafeBufferPointer { bias in
                    multiplier.withUnsafeBufferPointer { multiplier in
                        residual.withBytes { residual in
                            table.withBytes { table in
                                kernels.multiply(
                                    Int8GemmCall(
                                        output: epilogue.isFloat
                                            ? .floats(floats.baseAddress!) : .bytes(bytes.baseAddress!),
                                        outputStride: n, input: words,
                                        window: Int8Window(
                                            words: runWords, rows: size.runs, rowStride: 4 * m * runWords),
                                        rowStride: 4 * runWords, rows: m, packed: packed, n: n,
                                        requantization: Requantization(
                                            bias: bias.baseAddress!, multiplier: multiplier.baseAddress!,
                                            low: epilogue.low, high: epilogue.high, zero: Int32(epilogue.zero),
                                            residual: residual, residualStride: n, residualZero: 131,
                                            residualMultiplier: 0.7, table: table)))
                            }
                        }
                    }
                }
            }
        }
        #expect(bytes.suffix(3).allSatisfy { $0 == 99 } && floats.suffix(3).allSatisfy { $0 == 99 })
        return epilogue.isFloat ? Array(floats.prefix(m * n)) : bytes.prefix(m * n).map(Float.init)
    }

    @Test("sums of the largest bytes and weights do not saturate", arguments: Int8Kernels.available)
    func largest(kernels: Int8Kernels) {
        for weight: Int8 in [-128, 127] {
            let depth = 1000
            let bias = [Int32](repeating: 0, count: kernels.padded(1))
            let multiplier = [Float](repeating: 1, count: kernels.padded(1))
            let epilogue = Epilogue(zero: 0, isFloat: true, bound: .infinity)
            let actual = multiply(
                kernels, [UInt8](repeating: 255, count: depth), [Int8](repeating: weight, count: depth),
                (1, 1, 1, depth), bias, multiplier, residual: nil, table: nil, epilogue)
            #expect(actual[0] == Float(255 * Int(weight) * depth))
        }
    }

    /// Multiples of the output's step that are no integers of 32 bits, and such that 16 bits do not hold.
    @Test("what is far beyond a byte becomes its bounds", arguments: Int8Kernels.available)
    func farBeyond(kernels: Int8Kernels) {
        let (m, n, depth) = (7, 85, 4)
        for (factor, zero) in [(Float(1e9), 0), (1e9, 255), (1, 0), (1, 7), (1, 255)] {
            let weight = (0..<n * depth).map { Int8($0 / depth % 2 == 0 ? -128 : 127) }
            let bias = [Int32](repeating: 0, count: kernels.padded(n))
            let multiplier = [Float](repeating: factor, count: kernels.padded(n))
            let actual = multiply(
                kernels, [UInt8](repeating: 255, count: m * depth), weight, (m, n, 1, depth), bias, multiplier,
                residual: nil, table: nil, Epilogue(zero: zero))
            #expect(actual == (0..<m * n).map { $0 % n % 2 == 0 ? 0 : 255 }, "\(kernels.name) \(factor) \(zero)")
        }
    }

    @Test("depthwise sums are exact integers", arguments: Int8Kernels.available)
    func depthwise(kernels: Int8Kernels) {
        let sizes = [
            (1, 9, 1), (8, 9, 5), (17, 25, 9), (35, 1, 4), (64, 9, 7), (3, 4, 6), (16, 2, 3), (31, 3, 2), (33, 8, 5),
            (63, 9, 4), (65, 5, 3), (144, 9, 6), (200, 7, 1),
        ]
        for (channels, taps, pixels) in sizes {
            let image = Self.bytes((2 * pixels + taps) * channels, seed: UInt64(channels))
            let weight = Self.weights(channels * taps, seed: UInt64(taps))
            var packed = [Int32](repeating: 7, count: kernels.packedDepthwiseWords(channels, taps: taps))
            kernels.packDepthwise(&packed, weight, channels, taps)
            let bias = (0..<kernels.paddedToBlocks(channels)).map { Int32($0 * 100 - 700) }
            let multiplier = (0..<kernels.paddedToBlocks(channels)).map { 0.002 + Float($0) / 40000 }
            var output = [UInt8](repeating: 99, count: pixels * channels + 3)
            image.withUnsafeBufferPointer { image in
                // Tap t of pixel p stands 2 p + (7 t mod taps) pixels further.
                let places = (0..<taps).map { image.baseAddress! + $0 * 7 % taps * channels }
                output.withUnsafeMutableBufferPointer { output in
                    bias.withUnsafeBufferPointer { bias in
                        multiplier.withUnsafeBufferPointer { multiplier in
                            kernels.depthwise(
                                Int8DepthwiseCall(
                                    output: .bytes(output.baseAddress!), taps: places, tapCount: taps, pixels: pixels,
                                    pixelStride: 2 * channels, channels: channels, packed: packed,
                                    requantization: Requantization(
                                        bias: bias.baseAddress!, multiplier: multiplier.baseAddress!, low: -100,
                                        high: 155, zero: 100)))
                        }
                    }
                }
            }
            for pixel in 0..<pixels {
                for channel in 0..<channels {
                    var sum = 0
                    for tap in 0..<taps {
                        sum +=
                            Int(image[(2 * pixel + tap * 7 % taps) * channels + channel])
                            * Int(weight[channel * taps + tap])
                    }
                    let expected = Self.requantized(
                        sum, bias: bias[channel], multiplier: multiplier[channel], low: -100, high: 155, zero: 100)
                    #expect(output[pixel * channels + channel] == expected.byte, "\(kernels.name) \(channels)x\(taps)")
                }
            }
            #expect(output.suffix(3).allSatisfy { $0 == 99 })
        }
    }

    @Test("what becomes of depthwise sums", arguments: Int8Kernels.available)
    func depthwiseEpilogues(kernels: Int8Kernels) {
        for (channels, pixels) in [(5, 3), (16, 2), (40, 5), (64, 4), (72, 1)] {
            let image = Self.bytes((pixels + 2) * channels, seed: UInt64(channels))
            let weight = Self.weights(channels * 3, seed: 1)
            let residual = Self.bytes(pixels * channels, seed: 2)
            let table = Self.bytes(256, seed: 3)
            var packed = [Int32](repeating: 7, count: kernels.packedDepthwiseWords(channels, taps: 3))
            kernels.packDepthwise(&packed, weight, channels, 3)
            let bias = [Int32](repeating: 300, count: kernels.paddedToBlocks(channels))
            let multiplier = [Float](repeating: 0.004, count: kernels.paddedToBlocks(channels))
            for epilogue in Self.epilogues {
                var bytes = [UInt8](repeating: 99, count: pixels * channels + 3)
                var floats = [Float](repeating: 99, count: pixels * channels + 3)
                image.withUnsafeBufferPointer { image in
                    let places = (0..<3).map { image.baseAddress! + $0 * channels }
                    (epilogue.hasResidual ? residual : nil).withBytes { residual in
                        (epilogue.hasTable ? table : nil).withBytes { table in
                            bytes.withUnsafeMutableBufferPointer { bytes in
                                floats.withUnsafeMutableBufferPointer { floats in
                                    kernels.depthwise(
                                        Int8DepthwiseCall(
                                            output: epilogue.isFloat
                                                ? .floats(floats.baseAddress!) : .bytes(bytes.baseAddress!),
                                            taps: places, tapCount: 3, pixels: pixels, pixelStride: channels,
                                            channels: channels, packed: packed,
                                            requantization: Requantization(
                                                bias: bias, multiplier: multiplier, low: epilogue.low,
                                                high: epilogue.high, zero: Int32(epilogue.zero), residual: residual,
                                                residualStride: channels, residualZero: 131, residualMultiplier: 0.7,
                                                table: table)))
                                }
                            }
                        }
                    }
                }
                for place in 0..<pixels * channels {
                    let (pixel, channel) = (place / channels, place % channels)
                    let sum = (0..<3).reduce(0) {
                        $0 + Int(image[(pixel + $1) * channels + channel]) * Int(weight[channel * 3 + $1])
                    }
                    let expected = Self.requantized(
                        sum, bias: 300, multiplier: 0.004,
                        residual: epilogue.hasResidual ? Int(residual[place]) : nil, residualZero: 131,
                        residualMultiplier: 0.7, low: epilogue.low, high: epilogue.high, zero: epilogue.zero)
                    if epilogue.isFloat {
                        #expect(floats[place] == expected.value, "\(kernels.name) \(channels) \(epilogue)")
                    } else {
                        let wanted = epilogue.hasTable ? table[Int(expected.byte)] : expected.byte
                        #expect(bytes[place] == wanted, "\(kernels.name) \(channels) \(epilogue)")
                    }
                }
                #expect(bytes.suffix(3).allSatisfy { $0 == 99 } && floats.suffix(3).allSatisfy { $0 == 99 })
            }
        }
    }

    @Test("functions of each value", arguments: Int8Kernels.available)
    func elementwise(kernels: Int8Kernels) {
        for count in [1, 7, 16, 33, 200] {
            let (a, b) = (Self.bytes(count, seed: 1), Self.bytes(count, seed: 2))
            for zero: Int32 in [0, 100, 255] {
                let range = Int8Range(low: Float(-zero), high: Float(255 - zero), zero: zero)
                let sums = output(count) { target in
                    a.withUnsafeBufferPointer { a in
                        b.withUnsafeBufferPointer { b in
                            kernels.add(
                                target, Int8Operand(a.baseAddress!, zero: 3, multiplier: 0.75),
                                Int8Operand(b.baseAddress!, zero: 255, multiplier: 0.5), range, count)
                        }
                    }
                }
                let products = output(count) { target in
                    a.withUnsafeBufferPointer { a in
                        b.withUnsafeBufferPointer { b in
                            kernels.scale(
                                target, Int8Operand(a.baseAddress!, zero: 128, multiplier: 0.01),
                                Int8Operand(b.baseAddress!, zero: zero, multiplier: 1), range, 1, count)
                        }
                    }
                }
                for index in 0..<count {
                    let (x, y) = (Int(a[index]), Int(b[index]))
                    let sum = Float(x - 3) * 0.75 + Float(y - 255) * 0.5
                    #expect(sums[index] == quantized(sum, range))
                    let product = Float((x - 128) * (y - Int(zero))) * Float(0.01)
                    #expect(products[index] == quantized(product, range))
                }
            }
            let table = Self.bytes(256, seed: 5)
            #expect(output(count) { kernels.lookUp($0, a, table, count) } == a.map { table[Int($0)] })
        }
        let table = Self.bytes(256, seed: 6)
        #expect(output(256) { kernels.lookUp($0, Array(0...255), table, 256) } == table)
    }

    @Test("rows times a value for each column", arguments: Int8Kernels.available)
    func rowsScaled(kernels: Int8Kernels) {
        let range = Int8Range(low: -30, high: 225, zero: 30)
        for (rows, columns) in [(1, 5), (2, 8), (7, 3), (5, 16), (9, 24), (4, 32), (3, 33), (6, 64), (2, 100)] {
            let (a, b) = (Self.bytes(rows * columns, seed: 1), Self.bytes(columns, seed: 2))
            let products = output(rows * columns) { target in
                a.withUnsafeBufferPointer { a in
                    b.withUnsafeBufferPointer { b in
                        kernels.scale(
                            target, Int8Operand(a.baseAddress!, zero: 100, multiplier: 0.013),
                            Int8Operand(b.baseAddress!, zero: 7, multiplier: 1), range, rows, columns)
                    }
                }
            }
            for index in a.indices {
                let product = Float((Int(a[index]) - 100) * (Int(b[index % columns]) - 7)) * Float(0.013)
                #expect(products[index] == quantized(product, range), "\(rows)x\(columns)")
            }
        }
    }

    @Test(
        "quantising rounds halves to even, holds what is beyond, and takes NaN for zero",
        arguments: Int8Kernels.available)
    func quantize(kernels: Int8Kernels) {
        let values: [Float] =
            [
                0, 0.25, 0.75, 1.25, -0.25, -0.75, 1e30, -1e30, .infinity, -.infinity, .nan, 63.7, -64.2,
                .leastNonzeroMagnitude,
            ]
            + randomFloats(30, seed: 3).map { $0 * 100 }
        for zero: Int32 in [0, 128, 255] {
            let range = Int8Range(low: Float(-zero), high: Float(255 - zero), zero: zero)
            let bytes = output(values.count) { kernels.quantize($0, values, 0.5, range, values.count) }
            for (value, byte) in zip(values, bytes) {
                #expect(byte == (value.isNaN ? UInt8(zero) : quantized(value / 0.5, range)), "\(value)")
            }
            var back = [Float](repeating: 0, count: bytes.count)
            kernels.dequantize(&back, bytes, 0.3, zero, bytes.count)
            #expect(back == bytes.map { Float(Int32($0) - zero) * 0.3 })
        }
    }

    private func quantized(_ value: Float, _ range: Int8Range) -> UInt8 {
        UInt8(Int(min(max(value, range.low), range.high).rounded(.toNearestOrEven)) + Int(range.zero))
    }

    private func output(_ count: Int, _ write: (UnsafeMutablePointer<UInt8>) -> Void) -> [UInt8] {
        var bytes = [UInt8](repeating: 99, count: count + 3)
        bytes.withUnsafeMutableBufferPointer { write($0.baseAddress!) }
        #expect(bytes.suffix(3).allSatisfy { $0 == 99 })
        return Array(bytes.prefix(count))
    }

    @Test("poolings", arguments: Int8Kernels.available)
    func pooling(kernels: Int8Kernels) {
        for channels in [1, 5, 16, 37] {
            for (kernel, stride, pad) in [(2, 2, 0), (3, 2, 1), (3, 1, 1), (5, 3, 2)] {
                let (height, width) = (9, 7)
                let (outputHeight, outputWidth) = (
                    (height + 2 * pad - kernel) / stride + 1, (width + 2 * pad - kernel) / stride + 1
                )
                let geometry = WindowGeometry(
                    channels: channels, inputHeight: height, inputWidth: width, outputHeight: outputHeight,
                    outputWidth: outputWidth, kernelHeight: kernel, kernelWidth: kernel, strideHeight: stride,
                    strideWidth: stride, padTop: pad, padLeft: pad, padBottom: pad, padRight: pad)
                let image = Self.bytes(height * width * channels, seed: UInt64(channels))
                let range = Int8Range(low: -20, high: 235, zero: 20)
                let count = outputHeight * outputWidth * channels
                let largest = output(count) { kernels.maxPool($0, image, geometry, 0..<outputHeight) }
                for includesPadding in [false, true] {
                    let means = output(count) { target in
                        image.withUnsafeBufferPointer {
                            kernels.averagePool(
                                target, Int8Operand($0.baseAddress!, zero: 90, multiplier: 1.5), geometry,
                                includesPadding, range, 0..<outputHeight)
                        }
                    }
                    for place in 0..<count {
                        let (pixel, channel) = (place / channels, place % channels)
                        var found: [Int] = []
                        for y in 0..<kernel {
                            for x in 0..<kernel {
                                let (row, column) = (
                                    pixel / outputWidth * stride - pad + y, pixel % outputWidth * stride - pad + x
                                )
                                guard (0..<height).contains(row), (0..<width).contains(column) else { continue }
                                found.append(Int(image[(row * width + column) * channels + channel]))
                            }
                        }
                        #expect(Int(largest[place]) == found.max())
                        let sum = found.reduce(0) { $0 + $1 - 90 }
                        let count = Float(includesPadding ? kernel * kernel : found.count)
                        #expect(means[place] == quantized(Float(sum) * (1.5 / count), range))
                    }
                }
            }
        }
    }

    @Test("the levels' bits are the same")
    func levelsAgree() {
        let size = (m: 19, n: 37, runs: 3, length: 21)
        let (a, residual) = (Self.bytes(19 * 63, seed: 1), Self.bytes(19 * 37, seed: 3))
        let weight = Self.weights(37 * 63, seed: 2)
        var random = SeededGenerator(seed: 4)
        let bias = (0..<64).map { _ in Int32.random(in: -10_000...10_000, using: &random) }
        let multiplier = (0..<64).map { _ in Float.random(in: 0...0.003, using: &random) }
        let answers = Int8Kernels.available.map {
            multiply(
                $0, a, weight, size, bias, multiplier, residual: residual, table: nil,
                Epilogue(zero: 60, hasResidual: true))
        }
        for answer in answers { #expect(answer == answers[0]) }
    }
}

extension Optional where Wrapped == [UInt8] {
    /// Calls `body` with the array's address, or nil.
    fileprivate func withBytes<Result>(_ body: (UnsafePointer<UInt8>?) -> Result) -> Result {
        map { $0.withUnsafeBufferPointer { body($0.baseAddress) } } ?? body(nil)
    }
}
