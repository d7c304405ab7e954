// SPDX-License-Identifier: MIT

import Graphs
import ONNX
import Operators
import Runtime
import Tensors
import TestSupport
import Testing

@testable import Quantization

@Suite("quantizer")
struct QuantizerTests {
    /// A small network of convolutions with batch norms, a residual, SiLU, squeeze-and-excitation and a linear layer.
    private func network(spread: Float = 1) throws -> Graph {
        var graph = Graph()
        var seed: UInt64 = 1
        func constant(_ shape: Shape, _ factor: Float = 0.3, from base: Float = 0) -> Graph.ValueID {
            seed += 1
            let values = randomFloats(shape.elementCount, seed: seed).map { base + $0 * factor }
            return graph.addConstant("c\(seed)", Tensor(values, shape: shape))
        }
        func conv(
            _ x: Graph.ValueID, _ outputs: Int, kernel: Int, groups: Int = 1, name: String
        ) throws -> Graph.ValueID {
            let pad = kernel / 2
            let window = SlidingWindow(kernel: [kernel, kernel], before: [pad, pad], after: [pad, pad])
            let channels = graph.fact(x).shape[1]
            let y = try graph.add(
                Convolution(window, groups: groups),
                [x, constant([outputs, channels / groups, kernel, kernel])], name: name)[0]
            // Channels of very different sizes, if that is asked for.
            let scale = graph.addConstant(
                name + ".scale",
                Tensor((0..<outputs).map { $0 % 4 == 0 ? spread : 1 }, shape: [outputs]))
            return try graph.add(
                BatchNormalization(epsilon: 1e-5),
                [y, scale, constant([outputs]), constant([outputs]), constant([outputs], 0.2, from: 1)],
                name: name + ".bn")[0]
        }
        let input = graph.addInput("input", Fact(.float32, [1, 3, 12, 12]))
        var x = try graph.add(Unary(.relu), [conv(input, 8, kernel: 3, name: "stem")], name: "relu")[0]
        x = try graph.add(Unary(.relu), [conv(x, 8, kernel: 3, groups: 8, name: "depthwise")], name: "relu")[0]
        let branch = try conv(x, 8, kernel: 3, name: "branch")
        x = try graph.add(Unary(.relu), graph.add(Binary(.add), [branch, x], name: "add"), name: "relu")[0]
        x = try graph.add(Unary(.silu), [conv(x, 12, kernel: 1, name: "expand")], name: "silu")[0]
        let mean = try graph.add(AdaptivePool(outputSize: [1, 1]), [x], name: "mean")[0]
        let gate = try graph.add(Unary(.sigmoid), [conv(mean, 12, kernel: 1, name: "gate")], name: "sigmoid")[0]
        x = try graph.add(Binary(.mul), [x, gate], name: "excite")[0]
        x = try graph.add(AdaptivePool(outputSize: [1, 1]), [x], name: "pool")[0]
        x = try graph.add(Reshape([1, 12]), [x], name: "flatten")[0]
        graph.outputs = try graph.add(Linear(), [x, constant([5, 12]), constant([5])], name: "fc")
        return graph
    }

    private func images(_ count: Int) -> [Tensor] {
        (0..<count).map { Tensor(randomFloats(432, seed: UInt64($0) + 500), shape: [1, 3, 12, 12]) }
    }

    @Test("folding batch norms leaves the answers as they are")
    func canonical() throws {
        let graph = try network()
        let canonical = try graph.canonical()
        #expect(!canonical.nodes.contains { $0.op is BatchNormalization })
        for image in images(3) {
            expectClose(
                try canonical.evaluate([image])[0].floats(), try graph.evaluate([image])[0].floats(), .accumulated)
        }
    }

    @Test("all layers run in integers, near to the floats, and the report adds up")
    func quantizes() throws {
        let graph = try network()
        let result = try Quantizer(graph, inputs: images(24)).quantize(bound: 100)
        #expect(result.layers.map(\.name) == ["stem", "depthwise", "branch", "expand", "gate", "fc"])
        #expect(abs(result.layers.reduce(0) { $0 + $1.share } - 1) < 1e-6)
        #expect(result.layers.allSatisfy { $0.signalToNoise > 20 && $0.form == .integers })
        #expect(result.signalToNoise > 20)
        #expect(result.imagesMeasured == 12)
        let plan = try Plan(result.graph)
        let floats = plan.summaries.filter { $0.operation.hasPrefix("conv2d") || $0.operation.hasPrefix("linear") }
        #expect(floats.isEmpty, "\(plan.summaries.map(\.operation))")
        for expected in ["int8 conv2d 3x3 + add + relu", "int8 conv2d 1x1 + table", "int8 mul", "int8 linear"] {
            #expect(plan.summaries.contains { $0.operation == expected }, "\(plan.summaries.map(\.operation))")
        }
    }

    @Test("layers go back to floats, the worst first, until the bound holds")
    func holdsTheBound() throws {
        let graph = try network()
        let free = try Quantizer(graph, inputs: images(24)).quantize(bound: 100)
        guard free.changedAnswers > 0 else { return }
        do {
            let bounded = try Quantizer(graph, inputs: images(24)).quantize(bound: 0)
            #expect(bounded.changedAnswers == 0 && bounded.layers.contains { $0.form != .integers })
        } catch QuantizationError.boundNotHeld(let bound, _, let inFloat, let layers) {
            #expect(bound == 0 && inFloat == 3 && layers == 6)
        }
    }

    /// For each value that is looked at, the same few numbers.
    private func fewRanges(_ graph: QuantizableGraph) -> [Graph.ValueID: ValueRange] {
        var range = ValueRange()
        range.extend([-2, 4])
        range.count([-2, 0, 1, 4])
        return Dictionary(uniqueKeysWithValues: graph.observed.map { ($0, range) })
    }

    @Test("a layer left in floats has its weights in floats")
    func keepsLayersInFloats() throws {
        let graph = QuantizableGraph(try network().canonical())
        let ranges = fewRanges(graph)
        let branch = try #require(graph.layers.first { graph.graph.nodes[$0].name == "branch" })
        let others = Set(graph.layers).subtracting([branch])
        let quantized = try graph.quantized(layers: others, activations: others, scales: graph.scales(ranges))
        let plan = try Plan(quantized)
        #expect(plan.summaries.filter { $0.operation.hasPrefix("conv2d") }.map(\.name) == ["branch"])
        _ = try Session(plan).run(inputs: [images(1)[0]])
    }

    @Test("a layer whose activation is left in floats multiplies in integers")
    func keepsActivationsInFloats() throws {
        let graph = QuantizableGraph(try network().canonical())
        let ranges = fewRanges(graph)
        let layers = Set(graph.layers)
        let expand = try #require(graph.layers.first { graph.graph.nodes[$0].name == "expand" })
        func steps(_ activations: Set<Int>) throws -> [String] {
            let quantized = try graph.quantized(layers: layers, activations: activations, scales: graph.scales(ranges))
            return try Plan(quantized).summaries.map(\.operation)
        }
        let (all, others, none) = (try steps(layers), try steps(layers.subtracting([expand])), try steps([]))
        #expect(all.contains("int8 conv2d 1x1 + table") && all.contains("int8 conv2d 3x3 + add + relu"), "\(all)")
        // Its SiLU and the mean behind that are in floats; what belongs to other layers is not.
        #expect(!others.contains { $0.hasPrefix("conv2d") }, "\(others)")
        #expect(others.contains("int8 conv2d 1x1") && others.contains("int8 mul"), "\(others)")
        #expect(others.contains("int8 conv2d 3x3 + add + relu"), "\(others)")
        #expect(!none.contains("int8 mul"), "\(none)")
    }

    @Test("equalising brings channels nearer to each other and leaves the answers as they are")
    func equalizes() throws {
        let graph = try network(spread: 40).canonical()
        let network = QuantizableGraph(graph)
        let stem = try #require(network.layers.first)
        var largest: [Graph.ValueID: [Float]] = [:]
        largest[graph.nodes[stem].outputs[0]] = (0..<8).map { $0 % 4 == 0 ? 40 : 1 }
        let (equalized, pairs) = try network.equalized(largest)
        #expect(pairs == 1)
        for image in images(3) {
            expectClose(
                try equalized.evaluate([image])[0].floats(), try graph.evaluate([image])[0].floats(), .accumulated)
        }
    }

    @Test("ranges are cut where that brings less error, and always hold zero exactly")
    func cutsRanges() {
        var range = ValueRange()
        let values = randomFloats(20_000, seed: 4)
        range.extend(values + [60])
        // One value far out, of a million.
        for _ in 0..<50 { range.count(values) }
        range.count([60])
        let scale = range.quantization { $0 }
        #expect(scale.scale < 30.0 / 255)
        #expect(scale.value(scale.zero) == 0)
        var positive = ValueRange()
        positive.extend([1, 2])
        positive.count([1, 2])
        #expect(positive.quantization { $0 }.zero == 0)
    }

    @Test("a network without layers, and too few images, are refused in a sentence")
    func refuses() throws {
        #expect(throws: QuantizationError.tooFewImages(3)) { try Quantizer(network(), inputs: images(3)) }
        var graph = Graph()
        let input = graph.addInput("input", Fact(.float32, [1, 3, 12, 12]))
        graph.outputs = try graph.add(Unary(.relu), [input], name: "relu")
        #expect(throws: QuantizationError.nothingToQuantize) { try Quantizer(graph, inputs: images(24)) }
    }

    @Test("the file that is written gives the same plan and the same bits")
    func writes() throws {
        let result = try Quantizer(network(), inputs: images(24)).quantize(bound: 100)
        let bytes = try ONNXWriter.bytes(of: result.graph, name: "network")
        let read = try ONNXModel(bytes: bytes).graph()
        let (plan, other) = (try Plan(result.graph), try Plan(read))
        #expect(plan.summaries.map(\.operation) == other.summaries.map(\.operation))
        for image in images(3) {
            let expected = try Session(plan).run(inputs: [image])[0].floats()
            #expect(try Session(other).run(inputs: [image])[0].floats() == expected)
        }
    }

    @Test("the file that is written takes any batch, and names its nodes and outputs apart")
    func writesForOthers() throws {
        var graph = try network()
        graph.setOutputs([("logits", graph.outputs[0])])
        let result = try Quantizer(graph, inputs: images(24)).quantize(bound: 100)
        let model = try ONNXModel(bytes: ONNXWriter.bytes(of: result.graph, name: "network"))
        var options = ONNXImportOptions()
        options.batch = 3
        let read = try model.graph(options)
        #expect(read.outputNames == ["logits"])
        let all = images(3)
        let answer = try read.evaluate([Tensor(all.flatMap { $0.floats() }, shape: [3, 3, 12, 12])])[0]
        #expect(answer.shape == [3, 5])
        #expect(try answer.floats() == all.flatMap { try result.graph.evaluate([$0])[0].floats() })
        let names = read.nodes.map(\.name)
        #expect(Set(names).count == names.count, "\(names)")
    }
}
