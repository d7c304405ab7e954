// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors
import TestSupport
import Testing

@testable import Runtime

/// Makes a graph for a pass, operator by operator.
struct GraphBuilder {
    var graph = Graph()
    private var count = 0
    private var random = SeededGenerator(seed: 11)

    mutating func number(_ value: Float) -> Graph.ValueID {
        graph.addConstant("\(value)", Tensor([value], shape: []))
    }

    mutating func vector(_ values: [Float]) -> Graph.ValueID {
        graph.addConstant("v", Tensor(values, shape: Shape([values.count])))
    }

    /// A constant of numbers between a half and one.
    mutating func constant(_ shape: Shape) -> Graph.ValueID {
        count += 1
        let values = (0..<shape.elementCount).map { _ in Float.random(in: 0.5...1, using: &random) }
        return graph.addConstant("c\(count)", Tensor(values, shape: shape))
    }

    mutating func input(_ shape: Shape) -> Graph.ValueID {
        count += 1
        return graph.addInput("x\(count)", Fact(.float32, shape))
    }

    mutating func add(_ op: any Operator, _ inputs: Graph.ValueID...) throws -> Graph.ValueID {
        try add(op, inputs)
    }

    private mutating func add(_ op: any Operator, _ inputs: [Graph.ValueID]) throws -> Graph.ValueID {
        count += 1
        return try graph.add(op, inputs, name: "n\(count)")[0]
    }

    /// A square window in the image's middle: without a stride it keeps the image's size.
    mutating func convolution(
        _ x: Graph.ValueID, _ outputs: Int, kernel: Int = 3, stride: Int = 1, groups: Int = 1, bias: Bool = false
    ) throws -> Graph.ValueID {
        let pad = [kernel / 2, kernel / 2]
        let window = SlidingWindow(kernel: [kernel, kernel], strides: [stride, stride], before: pad, after: pad)
        let weight = constant(Shape([outputs, graph.fact(x).shape[1] / groups, kernel, kernel]))
        return try add(Convolution(window, groups: groups), [x, weight] + (bias ? [constant([outputs])] : []))
    }

    mutating func linear(_ x: Graph.ValueID, _ outputs: Int, bias: Bool = false) throws -> Graph.ValueID {
        let shape = graph.fact(x).shape
        let weight = constant([outputs, shape[shape.rank - 1]])
        return try add(Linear(), [x, weight] + (bias ? [constant([outputs])] : []))
    }

    mutating func batchNorm(_ x: Graph.ValueID) throws -> Graph.ValueID {
        let channels: Shape = [graph.fact(x).shape[1]]
        return try add(
            BatchNormalization(epsilon: 1e-3),
            [x, constant(channels), constant(channels), constant(channels), constant(channels)])
    }

    mutating func mean(_ x: Graph.ValueID) throws -> Graph.ValueID {
        try add(Reduce(.mean, axes: [2, 3], keepDimensions: true), x)
    }

    /// Runs passes and compares what they leave: the operators, each with what is fused into it, and the answers.
    ///
    /// - Parameters:
    ///   - passes: The last one is tested; those before it bring the graph to where it begins.
    /// - Returns: The rewritten graph.
    @discardableResult
    func expect(
        _ passes: any Pass..., outputs: Graph.ValueID..., become expected: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Graph {
        var graph = graph
        graph.outputs = outputs
        var generator = SeededGenerator(seed: 7)
        let inputs = graph.inputs.map { id in
            Tensor(
                (0..<graph.fact(id).elementCount).map { _ in Float.random(in: -5...5, using: &generator) },
                shape: graph.fact(id).shape)
        }
        let before = try graph.evaluate(inputs).map { $0.floats() }
        for pass in passes {
            try pass.run(&graph)
            graph.removeUnread()
            try graph.check()
        }
        #expect(graph.nodes.map { spelled($0.op) } == expected, sourceLocation: sourceLocation)
        for (after, before) in zip(try graph.evaluate(inputs), before) {
            expectClose(after.floats(), before, .elementwise, sourceLocation: sourceLocation)
        }
        return graph
    }

    /// An operator's name with what is fused into it, or the order that it makes.
    private func spelled(_ op: any Operator) -> String {
        switch op {
        case let conv as FusedConvolution:
            (["FusedConvolution"] + (conv.hasBias ? ["bias"] : []) + conv.fusedNames
                + (conv.hasScale ? ["scale"] : []) + (conv.hasRowSums ? ["row_sums"] : [])).joined(separator: "+")
        case let linear as FusedLinear:
            (["FusedLinear"] + (linear.hasBias ? ["bias"] : []) + linear.fusedNames
                + (linear.flattensImage ? ["flatten"] : [])).joined(separator: "+")
        case let add as FusedAdd: "FusedAdd" + (add.activation == .none ? "" : "+\(add.activation)")
        case let norm as FusedBatchNormalization:
            "FusedBatchNormalization" + (norm.activation == .none ? "" : "+\(norm.activation)")
        case let reorder as Reorder: "Reorder \(reorder.order.axes)"
        default: op.name
        }
    }
}
