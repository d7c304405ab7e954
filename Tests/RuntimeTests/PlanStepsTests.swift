// SPDX-License-Identifier: MIT

import Graphs
import KernelInterface
import Kernels
import Operators
import Tensors
import TestSupport
import Testing

@testable import Runtime

/// Operators beside convolutions that have steps of their own: none of these runs by its slow reference.
@Suite("steps") struct PlanStepsTests {
    /// Runs a network of one operator behind a convolution, whose image has its channels last, and compares with the references.
    private func check(
        _ op: any Operator, algorithm: String, tolerance: Tolerance = .accumulated, threads: Int = 1,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        var graph = Graph()
        let x = graph.addInput("x", Fact(.float32, [1, 3, 9, 7]))
        let weight = graph.addConstant("w", Tensor(randomFloats(19 * 3, seed: 5), shape: [19, 3, 1, 1]))
        let image = try graph.add(Convolution(SlidingWindow(kernel: [1, 1])), [x, weight], name: "conv")[0]
        let result = try graph.add(op, [image], name: "op")[0]
        graph.setOutputs([("y", result)])
        let plan = try Plan(graph)
        #expect(!plan.summaries.contains { $0.algorithm == "reference" }, sourceLocation: sourceLocation)
        #expect(plan.summaries.contains { $0.algorithm == algorithm }, sourceLocation: sourceLocation)
        let input = Tensor(randomFloats(189, seed: 6), shape: [1, 3, 9, 7])
        let answer = try Session(plan, threads: threads).run(inputs: [input])[0].floats()
        expectClose(
            answer, try graph.evaluate([input])[0].floats(), tolerance, "\(op.name)", sourceLocation: sourceLocation)
    }

    @Test(
        "what is reduced over pixels is reduced a row of channels at a time",
        arguments: [Reduce.Function.l2, .sumSquare, .sum, .max, .min])
    func reductions(function: Reduce.Function) throws {
        for threads in 1...2 {
            try check(Reduce(function, axes: [2, 3], keepDimensions: true), algorithm: "columns", threads: threads)
        }
    }

    @Test("what is reduced over channels is reduced along rows", arguments: [Reduce.Function.l1, .l2, .sumSquare])
    func rows(function: Reduce.Function) throws {
        try check(Reduce(function, axes: [1], keepDimensions: false), algorithm: "rows")
    }

    @Test(
        "functions that no kernel has are done one by one, where the values stand",
        arguments: [
            Unary.Function.abs, .neg, .exp, .erf, .mish, .softplus(beta: 1, threshold: 20), .elu(alpha: 1),
            .clip(min: 1, max: -1),
        ])
    func functions(function: Unary.Function) throws {
        for threads in 1...2 { try check(Unary(function), algorithm: "one by one", threads: threads) }
    }

    @Test("an enlarged image that the caller gets is made in NCHW", arguments: [1, 2, 3])
    func resizeInNCHW(threads: Int) throws {
        for (sizes, interpolation) in [
            ([21, 30], Resize.Interpolation.linear), ([10, 7], .nearest(.floor)), ([13, 40], .cubic(-0.75)),
        ] {
            let scales = [Double(sizes[0]) / 9, Double(sizes[1]) / 7]
            try check(
                Resize(sizes: sizes, scales: scales, interpolation: interpolation, coordinates: .halfPixel),
                algorithm: "columns, then rows", threads: threads)
        }
        try check(
            Resize(sizes: [4, 5], scales: [4.0 / 9, 5.0 / 7], interpolation: .linear, coordinates: .halfPixel),
            algorithm: "rows and columns", threads: threads)
    }

    @Test("attention goes through its queries in blocks", arguments: [(197, 197), (5, 1), (30, 700), (41, 1500)])
    func attention(queries: Int, keys: Int) throws {
        let (heads, depth, valueDepth) = (3, 20, 13)
        for maskShape in [nil, [1, queries, keys], [heads, 1, keys]] as [Shape?] {
            var graph = Graph()
            var tensors: [Tensor] = []
            let shapes: [Shape] = [[heads, queries, depth], [heads, keys, depth], [heads, keys, valueDepth]]
            let inputs = (shapes + [maskShape].compactMap(\.self)).enumerated().map { index, shape in
                tensors.append(Tensor(randomFloats(shape.elementCount, seed: UInt64(index)), shape: shape))
                return graph.addInput("input\(index)", Fact(.float32, shape))
            }
            graph.setOutputs([("y", try graph.add(Attention(scale: 0.3), inputs, name: "attention")[0])])
            let expected = try graph.evaluate(tensors)[0].floats()
            for kernels in KernelTable.available {
                let plan = try Plan(graph, kernels: kernels)
                #expect(plan.summaries.contains { $0.algorithm == "head by head" })
                let answers = try [1, 2, 3].map {
                    try Session(plan, threads: $0, leastSharedWork: 0).run(inputs: tensors)[0].floats()
                }
                expectClose(answers[0], expected, .accumulated, "\(kernels.name), \(queries) of \(keys)")
                #expect(answers.allSatisfy { $0 == answers[0] })
            }
        }
    }

    @Test("rows are packed as the transposed matrix is", arguments: KernelTable.available)
    func packedRows(kernels: KernelTable) {
        for (n, k) in [(1, 1), (16, 3), (35, 7), (64, 197), (5, 2)] {
            let matrix = randomFloats(n * k, seed: 3)
            let transposed = (0..<n).flatMap { column in (0..<k).map { matrix[$0 * n + column] } }
            let count = kernels.gemm.packedCount(n, k)
            func packed(_ pack: (UnsafeMutablePointer<Float>) -> Void) -> [Float] {
                [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
                    buffer.update(repeating: 7)
                    if let base = buffer.baseAddress { pack(base) }
                    initialized = count
                }
            }
            #expect(
                packed { kernels.packRows($0, matrix, n: n, k: k) }
                    == packed { kernels.gemm.pack($0, transposed, n, k, .padded) }, "\(n) x \(k)")
        }
    }

    @Test("filters lose what sees only padding, and a single row left is a 1x1 convolution")
    func croppedFilters() throws {
        // Dilation, size, stride, padding before and after > what is left of 3 rows.
        for (dilation, size, stride, before, after, left) in [
            (24, 14, 1, 24, 24, 1), (14, 14, 1, 14, 14, 1), (13, 14, 1, 13, 13, 3), (9, 5, 2, 9, 9, 1),
            (6, 8, 1, 12, 0, 2),
            (7, 6, 1, 0, 14, 1), (3, 4, 3, 3, 3, 3), (4, 4, 1, 6, 4, 2),
        ] {
            var graph = Graph()
            let x = graph.addInput("x", Fact(.float32, [1, 3, size, size]))
            let weight = graph.addConstant("w", Tensor(randomFloats(5 * 27, seed: 5), shape: [5, 3, 3, 3]))
            let window = SlidingWindow(
                kernel: [3, 3], strides: [stride, stride], dilations: [dilation, dilation], before: [before, before],
                after: [after, after])
            graph.setOutputs([("y", try graph.add(Convolution(window), [x, weight], name: "conv")[0])])
            var seen: Shape?
            let plan = try Plan(graph) { pass, rewritten in
                if pass.name == "CropFilters" { seen = rewritten.fact(rewritten.nodes[0].inputs[1]).shape }
            }
            let what = "dilation \(dilation), \(size), stride \(stride), pads \(before) and \(after)"
            #expect(seen == [5, 3, left, left], "\(what)")
            let input = Tensor(randomFloats(3 * size * size, seed: 6), shape: [1, 3, size, size])
            expectClose(
                try Session(plan).run(inputs: [input])[0].floats(), try graph.evaluate([input])[0].floats(),
                .accumulated, "\(what)")
            if left == 1, stride == 1 { #expect(plan.summaries.contains { $0.operation.contains("conv2d 1x1") }) }
        }
    }

    @Test("large weights are packed in parts: the bits are those of one part")
    func weightsInParts() throws {
        // 70 panels of 16 and some columns, of a depth that makes several parts; and one fault in the last, one in the first.
        let (n, k) = (1127, 700)
        let floats = randomFloats(n * k, seed: 4)
        func plan(_ floats: [Float]) throws -> Plan {
            var graph = Graph()
            let x = graph.addInput("x", Fact(.float32, [1, k]))
            let weight = graph.addConstant("w", Tensor(floats, shape: [n, k]))
            graph.setOutputs([("y", try graph.add(Linear(), [x, weight], name: "linear")[0])])
            return try Plan(graph)
        }
        let input = randomFloats(k, seed: 8)
        let expected = (0..<n).map { row in
            Float((0..<k).reduce(0.0) { $0 + Double(input[$1]) * Double(floats[row * k + $1]) })
        }
        let answer = try Session(plan(floats)).run(inputs: [Tensor(input, shape: [1, k])])[0].floats()
        expectClose(answer, expected, .accumulated)
        for places in [[0], [n * k - 1], [3, n * k - 2]] {
            var broken = floats
            for place in places { broken[place] = .nan }
            #expect(throws: TensorError.notFinite(name: "w", count: places.count)) { try plan(broken) }
        }
    }
}
