// SPDX-License-Identifier: MIT

import BLAS
import Kernels
import Layers
import Tensors
import TestSupport
import Testing

@testable import Runtime

/// Plans whose products OpenBLAS does, beside those of the packed kernel.
@Suite("products by OpenBLAS")
struct LibraryProductTests {
    private static let packed = MatrixProducts.packed(because: "of a test")

    /// Convolutions of every kind, over images large enough that their output is cut into blocks of rows, of columns, or both.
    static let convolutions: [(shape: Shape, outputs: Int, kernel: Size2d, stride: Size2d, padding: Int, groups: Int)] =
        [
            ([24, 31, 37], 40, 1, 1, 0, 1), ([200, 7, 7], 320, 1, 1, 0, 1), ([16, 9, 5], 7, 1, 2, 0, 1),
            ([3, 33, 29], 18, 3, 2, 1, 1), ([5, 19, 43], 130, 5, 1, 2, 1), ([300, 6, 5], 260, 3, 2, 1, 1),
            ([24, 17, 15], 36, 3, 2, 1, 2), ([16, 41, 30], 20, 3, 1, 1, 1), ([32, 15, 14], 300, 3, 1, 1, 1),
            ([1, 8, 9], 3, 2, 1, 0, 1),
        ]

    @Test("every convolution is done by it, as the packed kernel does it", arguments: KernelTable.available)
    func convolutionsAgree(kernels: KernelTable) throws {
        let products = try MatrixProducts.forced.get()
        for (index, (shape, outputs, kernel, stride, padding, groups)) in Self.convolutions.enumerated() {
            for (isResidual, isLast) in [(false, false), (true, false), (false, true)] {
                let network = try Convolutions(
                    channels: shape[0], outputs: outputs, kernel: kernel, stride: stride, padding: padding,
                    groups: groups, isResidual: isResidual, isLast: isLast, seed: UInt64(index))
                let plan = try Plan(network, input: shape, kernels: kernels, products: products)
                let convolutions = plan.summaries.filter { $0.operation.hasPrefix("conv2d") }
                #expect(convolutions.count == (isResidual ? 2 : 1))
                #expect(convolutions.allSatisfy { $0.algorithm.contains("openblas") }, "\(convolutions)")
                let other = try Plan(network, input: shape, kernels: kernels, products: Self.packed)
                #expect(!other.summaries.contains { $0.algorithm.contains("openblas") })
                let input = Tensor(
                    randomFloats(2 * shape.elementCount, seed: 7), shape: Shape([2] + shape.dimensions))
                let expected = try Session(other).run(input).floats()
                let alone = try Session(plan).run(input).floats()
                expectClose(alone, expected, .winograd, "\(shape) > \(outputs) on \(kernels.name)")
                for threads in [2, 3] {
                    let shared = try Session(plan, threads: threads, leastSharedWork: 0).run(input).floats()
                    expectClose(shared, alone, .exact, "\(shape) > \(outputs) on \(threads) threads")
                }
            }
        }
    }

    @Test("strips of rows and of channels, and scaled weights", arguments: KernelTable.available)
    func stripsAgree(kernels: KernelTable) throws {
        let products = try MatrixProducts.forced.get()
        for (index, (channels, widenKernel, window)) in PlanTests.bottlenecks.enumerated() {
            let isSmall = index >= 5
            let shape: Shape = isSmall ? [3, 13, 17] : [3, 67, 61]
            let network = try InvertedBottleneck(
                channels: channels, widenKernel: widenKernel, window: window, isSpoiled: false)
            let plan = try Plan(network, input: shape, kernels: kernels, products: products)
            let algorithms = plan.summaries.map(\.algorithm)
            #expect(algorithms.contains { $0.hasPrefix(isSmall ? "channels of openblas" : "rows of ") })
            #expect(algorithms.contains("openblas gemm, scaled weights"))
            let input = Tensor(randomFloats(shape.elementCount, seed: 9), shape: Shape([1] + shape.dimensions))
            let packed = try Session(Plan(network, input: shape, kernels: kernels, products: Self.packed)).run(input)
            let alone = try Session(plan).run(input).floats()
            expectClose(alone, packed.floats(), .accumulated, "\(window) on \(kernels.name)")
            for threads in [2, 3] {
                let shared = try Session(plan, threads: threads, leastSharedWork: 0).run(input).floats()
                expectClose(shared, alone, .exact, "\(window) on \(kernels.name), \(threads) threads")
            }
        }
    }

    @Test("where there is a choice, small products stay with the packed kernel, and the reason says so")
    func choosesByCosts() throws {
        let products = try MatrixProducts.select(named: nil, isVectorLevel: false) { OpenBLAS.shared }
        let portable = try #require(KernelTable.available.last)
        func plan(channels: Int, size: Int) throws -> StepSummary {
            let network = try Convolutions(
                channels: channels, outputs: channels, kernel: 1, stride: 1, padding: 0, groups: 1, isResidual: false,
                isLast: false, seed: 1)
            let plan = try Plan(network, input: [channels, size, size], kernels: portable, products: products)
            return try #require(plan.summaries.first { $0.operation.hasPrefix("conv2d") })
        }
        let (small, large) = (try plan(channels: 4, size: 3), try plan(channels: 256, size: 14))
        #expect(small.algorithm == "packed gemm" && large.algorithm == "openblas gemm")
        for summary in [small, large] {
            #expect(Set(summary.candidates.map(\.algorithm)).isSuperset(of: ["packed gemm", "openblas gemm"]))
        }
    }

    @Test("blocks cover all rows and columns once, whole units of rows each")
    func blocksCover() {
        for (rows, columns, depth, unit, most) in [
            (3136, 96, 16, 56, 56 * 5), (49, 1280, 320, 7, 49), (1, 5, 9, 1, 1), (196, 480, 80, 1, .max),
            (36, 64, 1152, 6, 36), (16, 300, 9216, 4, 16), (784, 40, 240, 28, .max),
        ] {
            let blocks = ProductBlocks(rows: rows, columns: columns, depth: depth, unit: unit, mostRows: most)
            var times = [Int](repeating: 0, count: rows * columns)
            for index in 0..<blocks.count {
                let block = blocks[index]
                #expect(block.rows.lowerBound % unit == 0 && block.rows.count <= most)
                for row in block.rows {
                    for column in block.columns { times[row * columns + column] += 1 }
                }
            }
            #expect(times.allSatisfy { $0 == 1 })
        }
    }
}

/// silu(conv(x)), or with another such convolution's image added before; the network's last step, or before a pooling that
/// changes nothing.
private struct Convolutions: Network {
    let first: Conv2d
    /// The one that is added, of a residual network.
    let second: Conv2d?
    let isLast: Bool

    init(
        channels: Int, outputs: Int, kernel: Size2d, stride: Size2d, padding: Int, groups: Int, isResidual: Bool,
        isLast: Bool, seed: UInt64
    ) throws {
        var random = RandomWeights(seed: seed)
        for name in isResidual ? ["first", "second"] : ["first"] {
            random.convolution(name, [outputs, channels / groups, kernel.height, kernel.width])
        }
        let weights = try random.stateDict()
        func conv(_ name: String) throws -> Conv2d {
            try Conv2d(
                channels, outputs, kernelSize: kernel, stride: stride,
                padding: .sides(top: padding, bottom: padding, left: padding, right: padding), groups: groups,
                weights: weights[name])
        }
        first = try conv("first")
        second = isResidual ? try conv("second") : nil
        self.isLast = isLast
    }

    func forward(_ input: Value) -> Value {
        // Read twice, so that a network of one convolution is done as in a larger one.
        _ = Sigmoid()(input)
        let value = first(input)
        let answer = SiLU()(second.map { $0(input) + value } ?? value)
        return isLast ? answer : MaxPool2d(1)(answer)
    }
}
