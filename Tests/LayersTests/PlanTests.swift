// SPDX-License-Identifier: MIT

import Kernels
import Layers
import Tensors
import TestSupport
import Testing

@Suite("Plan")
struct PlanTests {
    @Test("batch norm, addition and activation go into the convolution before them")
    func fusesWhatFollowsAConvolution() throws {
        let plan = try Plan(ResidualBlock(seed: 1), input: [6, 9, 7])
        #expect(
            plan.summaries.map(\.operation) == [
                "conv2d 3x3 + batch_norm + relu", "conv2d 3x3 + batch_norm + add + relu", "reorder to NCHW",
            ])
    }

    @Test("a value that is read twice is not fused away")
    func keepsSharedValues() throws {
        let plan = try Plan(SharedConvolution(seed: 2), input: [4, 6, 5])
        #expect(plan.summaries.map(\.operation) == ["conv2d 1x1", "relu", "add", "reorder to NCHW"])
    }

    @Test("fused and unfused networks give the same answer", arguments: KernelTable.available)
    func fusionKeepsTheAnswer(kernels: KernelTable) throws {
        let input = Tensor(randomFloats(2 * 6 * 9 * 7, seed: 3), shape: [2, 6, 9, 7])
        let fused = try Session(Plan(ResidualBlock(seed: 1), input: [6, 9, 7], kernels: kernels)).run(input)
        let plain = try Session(Plan(ResidualBlock(seed: 1, isSpoiled: true), input: [6, 9, 7], kernels: kernels))
            .run(input)
        expectClose(fused.floats(), plain.floats(), .accumulated, "on \(kernels.name)")
    }

    /// Images of an odd size, whose widened form is large enough to be kept in strips of rows, but for the last, which is
    /// small enough for strips of channels.
    static let bottlenecks: [(channels: Int, widenKernel: Int, window: InvertedBottleneck.Window)] = [
        (72, 1, .init(kernel: 3, padding: 1)), (80, 1, .init(kernel: 5, stride: 2, padding: .same)),
        (72, 3, .init(kernel: 3, stride: 2, padding: .sides(top: 0, bottom: 1, left: 2, right: 0))),
        (72, 1, .init(kernel: 3, dilation: 3, padding: 4)), (80, 1, .init(kernel: 2, stride: 3, padding: 0)),
        (72, 1, .init(kernel: 3, padding: 1)), (150, 1, .init(kernel: 5, stride: 2, padding: .same)),
    ]

    @Test("a wide image kept in strips, and scaled weights, give the same answer", arguments: KernelTable.available)
    func stripsKeepTheAnswer(kernels: KernelTable) throws {
        for (index, (channels, widenKernel, window)) in Self.bottlenecks.enumerated() {
            let isSmall = index >= 5
            let shape: Shape = isSmall ? [3, 13, 17] : [3, 67, 61]
            let input = Tensor(randomFloats(shape.elementCount, seed: 9), shape: Shape([1] + shape.dimensions))
            func plan(isSpoiled: Bool) throws -> Plan {
                let network = try InvertedBottleneck(
                    channels: channels, widenKernel: widenKernel, window: window, isSpoiled: isSpoiled)
                return try Plan(network, input: shape, kernels: kernels)
            }
            let fused = try plan(isSpoiled: false)
            let algorithms = fused.summaries.map(\.algorithm)
            #expect(
                algorithms.contains { $0.hasPrefix(isSmall ? "channels of" : "rows of") }
                    && algorithms.contains { $0.contains("scaled weights") })
            let plain = try Session(plan(isSpoiled: true)).run(input).floats()
            for threads in [1, 2, 3] {
                let session = try Session(fused, threads: threads, leastSharedWork: 0)
                let result = try session.run(input).floats()
                expectClose(result, plain, .accumulated, "\(window) on \(kernels.name), \(threads) threads")
                let alone = try Session(fused).run(input).floats()
                expectClose(result, alone, .exact, "\(window) on \(kernels.name), \(threads) threads")
            }
        }
    }

    @Test("the bits don't depend on batch, place or threads", arguments: KernelTable.available)
    func answersAreDeterministic(kernels: KernelTable) throws {
        let plan = try Plan(Classifier(seed: 4), input: [3, 13, 11], kernels: kernels)
        let count = 3 * 13 * 11
        let images = (0..<37).map { randomFloats(count, seed: UInt64(100 + $0)) }
        let alone = try Session(plan)
        let expected = try images.map { try alone.run(Tensor($0, shape: [1, 3, 13, 11])).floats() }
        for threads in [1, 2, 3] {
            let session = try Session(plan, threads: threads, leastSharedWork: 0)
            for batch in [1, 2, 5, 33, 37] {
                let input = Tensor(Array(images.prefix(batch).joined()), shape: [batch, 3, 13, 11])
                let result = try session.run(input).floats()
                expectClose(
                    result, Array(expected.prefix(batch).joined()), .exact, "\(batch) images, \(threads) threads")
            }
        }
    }

    @Test("channels-last input gives the same bits as channels-first")
    func inputLayoutsAgree() throws {
        let plan = try Plan(Classifier(seed: 4), input: [3, 13, 11])
        let pixels = 13 * 11
        let planes = randomFloats(3 * pixels, seed: 5)
        let interleaved = (0..<(3 * pixels)).map { planes[$0 % 3 * pixels + $0 / 3] }
        let session = try Session(plan)
        let expected = try session.run(Tensor(planes, shape: [1, 3, 13, 11])).floats()
        var output = [Float](repeating: 0, count: expected.count)
        interleaved.withUnsafeBufferPointer { input in
            output.withUnsafeMutableBufferPointer {
                session.run(input, count: 1, layout: .channelsLast, output: $0)
            }
        }
        expectClose(output, expected, .exact)
    }

    @Test("prepared weights serve a network that was built without any")
    func preparedWeightsCanBeShared() throws {
        let plan = try Plan(Classifier(seed: 4), input: [3, 13, 11])
        let blank = try Classifier(weights: StateDict.recording().weights)
        let shared = PreparedWeights(
            mapping: plan.weights.bytes, owner: plan.weights, fingerprint: plan.fingerprint)
        let second = try Plan(blank, input: [3, 13, 11], weights: shared)
        let input = Tensor(randomFloats(3 * 13 * 11, seed: 6), shape: [1, 3, 13, 11])
        expectClose(try Session(second).run(input).floats(), try Session(plan).run(input).floats(), .exact)
    }

    @Test("weights that were prepared for another network or level are refused, be there enough of them or not")
    func foreignWeights() throws {
        let widest = KernelTable.available[0]
        let plan = try Plan(Classifier(seed: 4), input: [3, 13, 11], kernels: widest)
        let smaller = Sequential(Flatten(), Softmax())
        #expect(throws: PlanError.self) { try Plan(smaller, input: [3, 13, 11], weights: plan.weights) }
        for level in KernelTable.available where level.name != plan.kernels.name {
            let error = #expect(throws: PlanError.self) {
                try Plan(Classifier(seed: 4), input: [3, 13, 11], kernels: level, weights: plan.weights)
            }
            #expect(error?.description.contains("plan \(plan.fingerprint), this process would run ") == true)
        }
        let cut = UnsafeRawBufferPointer(rebasing: plan.weights.bytes.dropLast())
        #expect(throws: PlanError.self) {
            try Plan(
                Classifier(seed: 4), input: [3, 13, 11], kernels: widest,
                weights: PreparedWeights(mapping: cut, owner: plan.weights, fingerprint: plan.fingerprint))
        }
    }

    @Test("weights that are not finite are refused by name")
    func refusesNaN() throws {
        let weight = Tensor([1, .nan, 2, .infinity], shape: [4, 1, 1, 1])
        let conv = try Conv2d(
            1, 4, kernelSize: 1, bias: false, weights: StateDict([("conv.weight", weight)])["conv"])
        #expect(throws: TensorError.notFinite(name: "conv.weight", count: 2)) {
            _ = try Plan(Sequential(conv), input: [1, 3, 3])
        }
    }

    @Test("NaN and infinity in an image reach the answer")
    func nanGoesThrough() throws {
        let plan = try Plan(Classifier(seed: 4), input: [3, 13, 11])
        var pixels = randomFloats(3 * 13 * 11, seed: 7)
        pixels[40] = .nan
        let result = try Session(plan).run(Tensor(pixels, shape: [1, 3, 13, 11])).floats()
        #expect(result.contains { $0.isNaN })
    }

    @Test("an input of another shape is refused")
    func refusesOtherShapes() throws {
        let session = try Session(Plan(Classifier(seed: 4), input: [3, 13, 11]))
        let wrong = Tensor(shape: [1, 3, 11, 13]) { _ in }
        #expect(throws: TensorError.shapeMismatch(name: "input", expected: [1, 3, 13, 11], actual: [1, 3, 11, 13])) {
            _ = try session.run(wrong)
        }
    }

    @Test("a network that returns its input copies it")
    func identity() throws {
        let plan = try Plan(Sequential(Dropout()), input: [2, 3, 4])
        let input = Tensor(randomFloats(48, seed: 8), shape: [2, 2, 3, 4])
        expectClose(try Session(plan).run(input).floats(), input.floats(), .exact)
    }
}
