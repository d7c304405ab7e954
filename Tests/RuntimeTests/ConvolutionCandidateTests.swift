// SPDX-License-Identifier: MIT

import BLAS
import Graphs
import Kernels
import Operators
import Tensors
import TestSupport
import Testing

@testable import Runtime

/// What is fused into a convolution: every algorithm that says it suits is made to do it, and compared with the references.
@Suite("algorithms for convolutions, with all that is fused into them")
struct ConvolutionCandidateTests {
    enum Fused: CaseIterable {
        case nothing, bias, batchNorm, batchNormAndSiLU, residual, residualAndGELU, scale, rowSums
    }

    /// Channels, filters, size of the image, kernel, stride and groups.
    struct Shape: Sendable {
        var channels: Int, filters: Int, height: Int, width: Int, kernel = 3, stride = 1, groups = 1
    }

    static let shapes: [Shape] = [
        .init(channels: 5, filters: 5, height: 9, width: 7),
        .init(channels: 24, filters: 24, height: 13, width: 11),
        .init(channels: 19, filters: 19, height: 6, width: 8, kernel: 1),
        .init(channels: 7, filters: 33, height: 12, width: 9, kernel: 1),
        .init(channels: 33, filters: 6, height: 9, width: 9, stride: 2),
        .init(channels: 12, filters: 12, height: 7, width: 9, groups: 3),
        .init(channels: 36, filters: 18, height: 7, width: 9, kernel: 1, groups: 6),
        .init(channels: 2, filters: 2, height: 13, width: 11, kernel: 9, groups: 2),
        .init(channels: 3, filters: 3, height: 40, width: 33, kernel: 31, groups: 3),
        .init(channels: 17, filters: 17, height: 9, width: 12, groups: 17),
        .init(channels: 32, filters: 32, height: 10, width: 9, kernel: 5, stride: 2, groups: 32),
    ]

    @Test(arguments: shapes.indices, Fused.allCases)
    func everyCandidateIsRight(index: Int, fused: Fused) throws {
        guard let graph = try graph(Self.shapes[index], fused) else { return }
        let inputs = graph.inputs.enumerated().map { place, id in
            Tensor(randomFloats(graph.fact(id).elementCount, seed: UInt64(3 + place)), shape: graph.fact(id).shape)
        }
        let expected = try graph.evaluate(inputs).map { $0.floats() }
        var products: [MatrixProducts] = [.packed(because: "of a test")]
        if let library = try? MatrixProducts.forced.get() { products.append(library) }
        for kernels in KernelTable.available {
            for products in products {
                let first = try Plan(graph, kernels: kernels, products: products).summaries.first {
                    $0.operation.hasPrefix("conv2d")
                }
                let summary = try #require(first)
                for algorithm in summary.candidates.map(\.algorithm) {
                    let what = "\(Self.shapes[index]), \(fused), by \(algorithm) on \(kernels.name)"
                    let plan = try Plan(
                        graph, kernels: kernels, products: products, algorithms: [summary.name: algorithm])
                    #expect(plan.summaries.contains { $0.algorithm.hasPrefix(algorithm) }, "\(what)")
                    for threads in [1, 3] {
                        let session = try Session(plan, threads: threads, leastSharedWork: 0)
                        for (answer, expected) in zip(try session.run(inputs: inputs), expected) {
                            expectClose(
                                answer.floats(), expected,
                                algorithm.contains("winograd") ? .winograd : .accumulated, "\(what), \(threads) threads"
                            )
                        }
                    }
                }
            }
        }
    }

    @Test("products of rows are done by each algorithm that suits, or by the one that is asked for")
    func linearLayers() throws {
        var builder = GraphBuilder()
        let x = builder.input([1, 7, 20])
        let sum = try builder.add(Binary(.add), builder.linear(x, 20, bias: true), x)
        builder.graph.setOutputs([("y", try builder.add(Unary(.relu), sum))])
        let input = Tensor(randomFloats(140, seed: 5), shape: [1, 7, 20])
        let expected = try builder.graph.evaluate([input])[0].floats()
        var products: [MatrixProducts] = [.packed(because: "of a test")]
        if let library = try? MatrixProducts.forced.get() { products.append(library) }
        for products in products {
            let first = try #require(Plan(builder.graph, products: products).summaries.first)
            let candidates = first.candidates.map(\.algorithm)
            #expect(candidates == (products.library == nil ? [] : [LibraryGemm.name]) + [PackedGemm.name])
            for algorithm in candidates {
                let plan = try Plan(builder.graph, products: products, algorithms: [first.name: algorithm])
                #expect(plan.summaries[0].algorithm == algorithm)
                expectClose(try Session(plan).run(inputs: [input])[0].floats(), expected, .accumulated, algorithm)
            }
            #expect(
                throws: PlanError.unsuitedAlgorithm(node: first.name, algorithm: "winograd", suited: candidates)
            ) { try Plan(builder.graph, products: products, algorithms: [first.name: "winograd"]) }
        }
    }

    @Test("a step of two convolutions tells the algorithms of both, and either can be chosen")
    func fusedSteps() throws {
        var builder = GraphBuilder()
        let expanded = try builder.convolution(builder.input([1, 16, 56, 56]), 96, kernel: 1, bias: true)
        let depthwise = try builder.convolution(expanded, 96, groups: 96, bias: true)
        builder.graph.setOutputs([("y", depthwise)])
        let names = builder.graph.nodes.map(\.name)
        let products = MatrixProducts.packed(because: "of a test")
        let summary = try #require(Plan(builder.graph, products: products).summaries.first)
        #expect(summary.name == names.joined(separator: ", "))
        let input = Tensor(randomFloats(16 * 3136, seed: 5), shape: [1, 16, 56, 56])
        let expected = try builder.graph.evaluate([input])[0].floats()
        for name in names { #expect(summary.candidates.contains { $0.node == name }) }
        for candidate in summary.candidates {
            let plan = try Plan(
                builder.graph, products: products, algorithms: [candidate.node: candidate.algorithm])
            expectClose(
                try Session(plan).run(inputs: [input])[0].floats(), expected, .accumulated,
                "\(candidate.node) by \(candidate.algorithm)")
        }
    }

    /// nil where something cannot be fused into a convolution of this shape.
    private func graph(_ shape: Shape, _ fused: Fused) throws -> Graph? {
        var builder = GraphBuilder()
        let x = builder.input([1, shape.channels, shape.height, shape.width])
        let keepsShape = shape.channels == shape.filters && shape.stride == 1
        let isDepthwise = shape.groups > 1 && shape.groups == shape.channels
        var source = x
        if fused == .scale {
            guard shape.kernel == 1, shape.groups == 1 else { return nil }
            source = try builder.add(Binary(.mul), x, builder.input([1, shape.channels, 1, 1]))
        }
        var outputs = [
            try builder.convolution(
                source, shape.filters, kernel: shape.kernel, stride: shape.stride, groups: shape.groups,
                bias: fused == .bias || fused == .residualAndGELU)
        ]
        switch fused {
        case .nothing, .bias, .scale: break
        case .batchNorm: outputs[0] = try builder.batchNorm(outputs[0])
        case .batchNormAndSiLU: outputs[0] = try builder.add(Unary(.silu), builder.batchNorm(outputs[0]))
        case .residual, .residualAndGELU:
            guard keepsShape, !isDepthwise else { return nil }
            outputs[0] = try builder.add(Binary(.add), x, outputs[0])
            if fused == .residualAndGELU {
                outputs[0] = try builder.add(Unary(.gelu(tanhApproximation: false)), outputs[0])
            }
        case .rowSums:
            guard isDepthwise else { return nil }
            outputs.append(try builder.mean(outputs[0]))
        }
        builder.graph.setOutputs(outputs.enumerated().map { ("y\($0)", $1) })
        return builder.graph
    }
}
