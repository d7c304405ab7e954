// SPDX-License-Identifier: MIT

import BLAS
import Graphs
import Kernels
import Layers
import Tensors
import TestSupport
import Testing

@testable import Runtime

@Suite("Weights that plans for several sizes share")
struct SharedWeightsTests {
    /// Windows, one filter per channel, pixels, a batch norm, and a head that does not depend on the size.
    private struct Photos: Network {
        let layers: [any Layer]

        init(channels: Int = 24) throws {
            func convolution(
                _ name: String, _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, groups: Int = 1,
                seed: UInt64
            ) throws -> Conv2d {
                let depth = inputs / groups * kernel * kernel
                return try Conv2d(
                    inputs, outputs, kernelSize: Size2d(integerLiteral: kernel), stride: Size2d(integerLiteral: stride),
                    padding: Padding(integerLiteral: kernel / 2), groups: groups,
                    weights: StateDict([
                        (
                            "\(name).weight",
                            Tensor(
                                randomFloats(outputs * depth, seed: seed).map { $0 / Float(depth).squareRoot() },
                                shape: [outputs, inputs / groups, kernel, kernel])
                        ), ("\(name).bias", Tensor(randomFloats(outputs, seed: seed + 1), shape: [outputs])),
                    ])[name])
            }
            layers = [
                try convolution("stem", 3, channels, kernel: 3, stride: 2, seed: 1), ReLU(),
                try convolution("depthwise", channels, channels, kernel: 3, groups: channels, seed: 3), SiLU(),
                try convolution("pixels", channels, 37, kernel: 1, seed: 5),
                try BatchNorm2d(
                    37,
                    weights: StateDict([
                        ("weight", Tensor(randomFloats(37, seed: 7), shape: [37])),
                        ("bias", Tensor(randomFloats(37, seed: 8), shape: [37])),
                        ("running_mean", Tensor(randomFloats(37, seed: 9), shape: [37])),
                        ("running_var", Tensor(randomFloats(37, seed: 10).map { abs($0) + 0.5 }, shape: [37])),
                    ])),
                try convolution("windows", 37, 18, kernel: 3, seed: 11), ReLU(), AdaptiveAvgPool2d(1), Flatten(),
                try Linear(
                    18, 5,
                    weights: StateDict([
                        ("weight", Tensor(randomFloats(90, seed: 13), shape: [5, 18])),
                        ("bias", Tensor(randomFloats(5, seed: 14), shape: [5])),
                    ])),
            ]
        }

        func forward(_ input: Value) -> Value { layers.reduce(input) { $1($0) } }
    }

    private static let packed = MatrixProducts.packed(because: "of a test")

    private func plan(
        _ network: some Network, _ size: (Int, Int), kernels: KernelTable, sharing other: Plan? = nil,
        algorithms: [String: String] = [:]
    ) throws -> Plan {
        try Plan(
            Graph(network, input: [3, size.0, size.1]), kernels: kernels, products: Self.packed, sharing: other,
            algorithms: algorithms)
    }

    private func answer(_ plan: Plan, seed: UInt64 = 20) throws -> [Float] {
        let shape = plan.inputShape
        let input = Tensor(randomFloats(2 * shape.elementCount, seed: seed), shape: Shape([2] + shape.dimensions))
        return try Session(plan).run(input).floats()
    }

    @Test("another size reads what is packed, with the bits of a plan of its own", arguments: KernelTable.available)
    func sharesTheBlock(kernels: KernelTable) throws {
        let network = try Photos()
        let first = try plan(network, (64, 64), kernels: kernels)
        let before = try answer(first)
        for size in [(48, 80), (65, 63), (160, 96)] {
            let second = try plan(network, size, kernels: kernels, sharing: first)
            #expect(second.weights.bytes.isEmpty, "\(size)")
            let alone = try plan(network, size, kernels: kernels)
            #expect(second.summaries.map(\.algorithm) == alone.summaries.map(\.algorithm))
            expectClose(try answer(second), try answer(alone), .exact, "\(size) on \(kernels)")
            // A third size shares the same block, not the second plan's empty one.
            let third = try plan(network, (40, 40), kernels: kernels, sharing: second)
            #expect(third.weights.bytes.isEmpty)
        }
        expectClose(try answer(first), before, .exact)
    }

    @Test("algorithms that read what is packed are preferred to cheaper ones", arguments: KernelTable.available)
    func prefersWhatIsPacked(kernels: KernelTable) throws {
        let network = try Photos()
        let first = try plan(network, (64, 64), kernels: kernels, algorithms: ["windows": "dot products"])
        let second = try plan(network, (48, 48), kernels: kernels, sharing: first)
        #expect(second.weights.bytes.isEmpty)
        #expect(second.summaries.contains { $0.name == "windows" && $0.algorithm == "dot products" })
        expectClose(
            try answer(second), try answer(try plan(network, (48, 48), kernels: kernels)), .winograd, "\(kernels)")
    }

    @Test("what no algorithm can read is packed anew, and said", arguments: KernelTable.available)
    func packsAnew(kernels: KernelTable) throws {
        let network = try Photos()
        let first = try plan(network, (64, 64), kernels: kernels)
        let forced = try #require(first.summaries.first { $0.name == "windows" })
        let other = forced.algorithm == "winograd 4x4" ? "implicit gemm" : "winograd 4x4"
        let second = try plan(network, (48, 48), kernels: kernels, sharing: first, algorithms: [forced.name: other])
        #expect(!second.weights.bytes.isEmpty && second.weights.bytes.count < first.weights.bytes.count)
        let anew = second.summaries.filter { $0.reason.hasSuffix("packed anew for this size") }
        #expect(anew.map(\.name) == [forced.name])
        let alone = try plan(network, (48, 48), kernels: kernels, algorithms: [forced.name: other])
        expectClose(try answer(second), try answer(alone), .exact, "\(kernels)")
    }

    @Test("constants that stand elsewhere are packed anew, whatever they are called", arguments: KernelTable.available)
    func sharesNothingWithOthers(kernels: KernelTable) throws {
        let (one, other) = (try Photos(), try Photos())
        let first = try plan(one, (64, 64), kernels: kernels)
        let second = try plan(other, (48, 48), kernels: kernels, sharing: first)
        #expect(second.weights.bytes.count == (try plan(other, (48, 48), kernels: kernels)).weights.bytes.count)
        expectClose(try answer(second), try answer(try plan(one, (48, 48), kernels: kernels)), .exact)
    }
}
