// SPDX-License-Identifier: MIT

import Graphs
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
}
