// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors
import TestSupport
import Testing

@testable import ONNX

@Suite("ONNX files that are written")
struct WriterTests {
    /// A network from an image that reshapes as many networks do.
    struct Network: CustomTestStringConvertible {
        let testDescription: String
        let input: Shape
        let wire: @Sendable (inout Graph, Graph.ValueID) throws -> Graph.ValueID

        func graph() throws -> Graph {
            var graph = Graph()
            let input = graph.addInput("picture", Fact(.float32, input))
            graph.outputs = [try wire(&graph, input)]
            return graph
        }
    }

    private static func constant(_ graph: inout Graph, _ shape: Shape) -> Graph.ValueID {
        graph.addConstant("numbers", Tensor(randomFloats(shape.elementCount, seed: 7), shape: shape))
    }

    private static let flattening = Network(testDescription: "a classifier that flattens", input: [1, 2, 4, 4]) {
        graph, x in
        let window = SlidingWindow(kernel: [3, 3], before: [1, 1], after: [1, 1])
        let conv = try graph.add(Convolution(window), [x, constant(&graph, [3, 2, 3, 3])], name: "conv")
        let flat = try graph.add(Reshape([1, 48]), conv, name: "flatten")
        return try graph.add(Linear(), flat + [constant(&graph, [5, 48]), constant(&graph, [5])], name: "fc")[0]
    }

    /// PyTorch's attention with the sequence first: the batch changes its axis and is multiplied by the heads.
    private static let attention = Network(testDescription: "attention, the sequence first", input: [1, 6, 8]) {
        graph, x in
        let sequence = try graph.add(Transpose([1, 0, 2]), [x], name: "first")
        let split = try graph.add(Reshape([6, 2, 4]), sequence, name: "heads")
        let heads = try graph.add(Transpose([1, 0, 2]), split, name: "turn")[0]
        let keys = try graph.add(Transpose([0, 2, 1]), [heads], name: "keys")[0]
        let products = try graph.add(MatMul(), [heads, keys], name: "products")
        let weights = try graph.add(Softmax(axis: 2), products, name: "softmax")[0]
        let mixed = try graph.add(MatMul(), [weights, heads], name: "mixed")
        let back = try graph.add(Transpose([1, 0, 2]), mixed, name: "back")
        let joined = try graph.add(Reshape([6, 1, 8]), back, name: "joined")[0]
        let sum = try graph.add(Binary(.add), [joined, constant(&graph, [6, 1, 8])], name: "add")
        return try graph.add(Reduce(.mean, axes: [0], keepDimensions: false), sum, name: "mean")[0]
    }

    /// Windows of an image as further images of the batch.
    private static let windows = Network(testDescription: "windows of images", input: [1, 4, 4, 3]) { graph, x in
        let cut = try graph.add(Reshape([1, 2, 2, 2, 2, 3]), [x], name: "cut")
        let turned = try graph.add(Transpose([0, 1, 3, 2, 4, 5]), cut, name: "turn")
        let windows = try graph.add(Reshape([4, 4, 3]), turned, name: "windows")[0]
        let norm = try graph.add(
            LayerNormalization(axis: 2, epsilon: 1e-5), [windows, constant(&graph, [3])], name: "norm")[0]
        let product = try graph.add(MatMul(), [norm, constant(&graph, [3, 3])], name: "product")
        let parts = try graph.add(Split(axis: 2, sizes: [1, 2]), product, name: "split")
        let joined = try graph.add(Concat(axis: 2), [parts[1], parts[0]], name: "concat")
        let apart = try graph.add(Reshape([1, 2, 2, 2, 2, 3]), joined, name: "apart")
        return try graph.add(Transpose([0, 1, 3, 2, 4, 5]), apart, name: "return")[0]
    }

    @Test("take any batch, and answer each image as alone", arguments: [flattening, attention, windows])
    func leavesTheBatchFree(network: Network) throws {
        let graph = try network.graph()
        let model = try ONNXModel(bytes: ONNXWriter.bytes(of: graph, name: "network"))
        let images = (0..<3).map { randomFloats(network.input.elementCount, seed: 20 + $0) }
        let expected = try images.flatMap { try graph.evaluate([Tensor($0, shape: network.input)])[0].floats() }
        var options = ONNXImportOptions()
        options.batch = 3
        let shape = Shape([3] + network.input.dimensions.dropFirst())
        let answer = try model.graph(options).evaluate([Tensor(images.flatMap(\.self), shape: shape)])[0]
        #expect(answer.floats() == expected)
        #expect(answer.shape[0] == 3)
    }

    private static let mixing: [Network] = [
        Network(testDescription: "softmax over the batch", input: [1, 4]) { graph, x in
            try graph.add(Softmax(axis: 0), [x], name: "softmax")[0]
        },
        Network(testDescription: "a mean over the batch", input: [1, 4]) { graph, x in
            try graph.add(Reduce(.mean, axes: [0], keepDimensions: false), [x], name: "mean")[0]
        },
        Network(testDescription: "a constant behind the image", input: [1, 4, 2]) { graph, x in
            try graph.add(Concat(axis: 1), [x, constant(&graph, [1, 1, 2])], name: "concat")[0]
        },
        Network(testDescription: "another constant for each window", input: [1, 4, 2]) { graph, x in
            let windows = try graph.add(Reshape([2, 2, 2]), [x], name: "windows")
            return try graph.add(Binary(.add), windows + [constant(&graph, [2, 1, 1])], name: "add")[0]
        },
        Network(testDescription: "the batch summed over", input: [1, 4]) { graph, x in
            try graph.add(MatMul(), [constant(&graph, [2, 1]), x], name: "product")[0]
        },
        Network(testDescription: "the batch as channels", input: [1, 4, 2, 2]) { graph, x in
            let turned = try graph.add(Transpose([1, 0, 2, 3]), [x], name: "turn")
            let window = SlidingWindow(kernel: [1, 1])
            return try graph.add(Convolution(window), turned + [constant(&graph, [3, 1, 1, 1])], name: "conv")[0]
        },
    ]

    @Test("say their batch where images are mixed", arguments: mixing)
    func keepsTheBatch(network: Network) throws {
        let graph = try network.graph()
        var options = ONNXImportOptions()
        options.batch = 3
        let read = try ONNXModel(bytes: ONNXWriter.bytes(of: graph, name: "network")).graph(options)
        #expect(read.fact(read.inputs[0]).shape == network.input)
        let image = Tensor(randomFloats(network.input.elementCount, seed: 3), shape: network.input)
        #expect(try read.evaluate([image])[0].floats() == graph.evaluate([image])[0].floats())
    }

    @Test("name each node and each value once, and outputs as callers know them")
    func namesAreUnique() throws {
        var graph = Graph()
        let input = graph.addInput("relu", Fact(.float32, [1, 4]))
        let first = try graph.add(Unary(.relu), [input], name: "relu")
        // What the writer adds to a name is taken by others.
        let second = try graph.add(Unary(.silu), first, name: "relu#2")
        let third = try graph.add(Unary(.silu), second, name: "relu#2")
        let fourth = try graph.add(Reshape([1, 2, 2]), third, name: "relu#2:sigmoid")[0]
        let numbers = Self.constant(&graph, [1, 2])
        graph.setOutputs([("answer", fourth), ("again", fourth), ("relu", input), ("numbers", numbers)])
        let bytes = try ONNXWriter.bytes(of: graph, name: "network")
        let read = try ONNXModel(bytes: bytes).graph()
        #expect(read.outputNames == ["answer", "again", "relu#2", "numbers"])
        let image = Tensor([1, -2, 3, 4], shape: [1, 4])
        let (answers, expected) = (try read.evaluate([image]), try graph.evaluate([image]))
        for (answer, wanted) in zip(answers, expected) { expectClose(answer.floats(), wanted.floats(), .accumulated) }

        let message = try ONNXModel(bytes: bytes).graphMessage
        let nodes = message.nodes.map(\.name)
        #expect(nodes.count == Set(nodes).count, "\(nodes)")
        let values = message.inputs.map(\.name) + message.initializers.map(\.name) + message.nodes.flatMap(\.outputs)
        #expect(values.count == Set(values).count, "\(values)")
    }
}
