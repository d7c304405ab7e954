// SPDX-License-Identifier: MIT

import Graphs
import Kernels
import Operators
import Tensors
import TestSupport
import Testing

@testable import Runtime

/// Graphs whose values are quantised: what runs in integers against the same graph in Double, and bit for bit against the integer
/// operators' references.
@Suite("integer graphs")
struct IntegerGraphTests {
    @Test("each pattern becomes an integer operator, right to the step", arguments: Pattern.allCases)
    func pattern(pattern: Pattern) throws {
        for isSigned in [false, true] {
            var maker = QuantizedGraphMaker(seed: 7, isSigned: isSigned)
            var value = try maker.input([1, 6, 9, 8])
            value = try maker.append(pattern, to: value)
            let graph = maker.finished(value)
            try check(graph, seed: 1, isExact: pattern.isExact, expecting: pattern.operation)
        }
    }

    /// Images of more lines than are done at a time, and such whose pixels fill a depthwise kernel's block together.
    @Test(
        "images of all forms",
        arguments: [
            (Pattern.strided, [1, 3, 500, 200]), (.dilated, [1, 3, 500, 200]), (.depthwise, [1, 16, 5, 27]),
            (.depthwise, [1, 32, 4, 12]), (.depthwise, [1, 2, 3, 67]),
        ])
    func forms(pattern: Pattern, dimensions: [Int]) throws {
        let shape = Shape(dimensions)
        var maker = QuantizedGraphMaker(seed: 11, isSigned: false)
        let graph = maker.finished(try maker.append(pattern, to: maker.input(shape)))
        let image = Tensor(randomFloats(shape.elementCount, seed: 4), shape: shape)
        var rewritten = graph
        for level in KernelTable.available {
            let plan = try Plan(graph, kernels: level) { _, graph in rewritten = graph }
            let expected = try rewritten.evaluate([image])[0].floats()
            for threads in [1, 3] {
                let session = try Session(plan, threads: threads, leastSharedWork: 0)
                #expect(try session.run(inputs: [image])[0].floats() == expected, "\(level.name), \(threads) threads")
            }
        }
    }

    @Test("graphs of several integer operators", arguments: 0..<80)
    func random(seed: Int) throws {
        var maker = QuantizedGraphMaker(seed: UInt64(seed) &* 31 &+ 5, isSigned: seed % 3 == 0)
        var value = try maker.input([1, [1, 3, 8, 19][seed % 4], 5 + seed % 6, 4 + seed % 5])
        for _ in 0..<(1 + seed % 5) {
            let pattern = Pattern.allCases.randomElement(using: &maker.random) ?? .convolution
            if maker.graph.fact(value).shape.rank != 4 { break }
            value = try maker.append(pattern, to: value)
        }
        try check(maker.finished(value), seed: UInt64(seed), isExact: false, expecting: nil)
    }

    /// Compares the plan at all levels, with several threads and in a batch, with the references.
    private func check(_ graph: Graph, seed: UInt64, isExact: Bool, expecting operation: String?) throws {
        let shape = graph.fact(graph.inputs[0]).shape
        let images = (0..<3).map { Tensor(randomFloats(shape.elementCount, seed: seed &+ $0), shape: shape) }
        let simulated = try images.map { try graph.evaluate([$0])[0].floats() }
        var rewritten = graph
        let kernels = KernelTable.available
        for level in kernels {
            let plan = try Plan(graph, kernels: level) { _, graph in rewritten = graph }
            if let operation {
                #expect(
                    plan.summaries.contains { $0.operation.hasPrefix(operation) },
                    "\(plan.summaries.map(\.operation))\n\(rewritten)")
            }
            let expected = try images.map { try rewritten.evaluate([$0])[0].floats() }
            for (simulated, expected) in zip(simulated, expected) {
                // A step of the output is 1/16; what rounds otherwise may be a step away, and each layer may add one.
                let largest = zip(simulated, expected).map { abs($0 - $1) }.max() ?? 0
                #expect(largest <= (isExact ? 0 : operation == nil ? 0.5 : 1.0 / 16), "\(rewritten)")
            }
            for threads in [1, 3] {
                let session = try Session(plan, threads: threads, leastSharedWork: 0)
                for (image, expected) in zip(images, expected) {
                    let actual = try session.run(inputs: [image])[0].floats()
                    #expect(actual == expected, "\(level.name), \(threads) threads\n\(rewritten)")
                }
                let batch = Tensor(images.flatMap { $0.floats() }, shape: Shape([3] + shape.dimensions.dropFirst()))
                #expect(try session.run(batch).floats() == expected.flatMap { $0 }, "batch\n\(rewritten)")
            }
        }
    }

    @Test("what has no integers behind it stays in floats")
    func staysInFloats() throws {
        var maker = QuantizedGraphMaker(seed: 3, isSigned: false)
        let value = try maker.input([1, 4, 5, 5])
        let weight = maker.folding.graph.addConstant("w", Tensor(randomFloats(16, seed: 1), shape: [4, 4, 1, 1]))
        let conv = try maker.folding.add(
            Convolution(SlidingWindow(kernel: [1, 1])), [value, weight], name: "conv")[0]
        let graph = maker.finished(try maker.quantized(conv))
        let plan = try Plan(graph)
        #expect(plan.summaries.contains { $0.operation.hasPrefix("conv2d 1x1") })
        let input = Tensor(randomFloats(100, seed: 9), shape: [1, 4, 5, 5])
        let (actual, expected) = (try Session(plan).run(inputs: [input])[0], try graph.evaluate([input])[0])
        #expect(zip(actual.floats(), expected.floats()).allSatisfy { abs($0 - $1) <= 1.0 / 16 })
    }

    @Test("sums that 32 bits could not hold stay in floats")
    func staysInFloatsForSafety() throws {
        var maker = QuantizedGraphMaker(seed: 3, isSigned: false)
        let value = try maker.input([1, 2])
        let depth = 70_000
        let wide = try maker.folding.add(
            Expand([35_000, 2]), [value], name: "expand")[0]
        let flat = try maker.folding.add(Reshape([1, depth]), [wide], name: "flat")[0]
        let x = try maker.quantized(flat)
        let weight = try maker.weights([1, depth], filling: 127)
        let graph = maker.finished(try maker.folding.add(Linear(), [x, weight], name: "linear")[0])
        #expect(try Plan(graph).summaries.contains { $0.operation == "linear" })
    }
}

/// A piece of a graph between quantisations.
enum Pattern: String, CaseIterable, Sendable {
    case convolution, wide, pointwise, strided, dilated, grouped, depthwise, depthwiseStrided
    case convolutionReLU, convolutionReLU6, convolutionResidual, floatOutput
    case add, addReLU, multiply, sigmoid, siluInPieces, silu
    case maxPool, averagePool, paddedAverage, globalAverage
    case concat, transpose, linear, wideLinear, flattenedLinear, matMul

    /// What the step is called.
    var operation: String {
        switch self {
        case .convolution, .wide, .strided, .dilated, .grouped, .depthwise, .depthwiseStrided: "int8 conv2d 3x3"
        case .pointwise, .floatOutput: "int8 conv2d 1x1"
        case .convolutionReLU: "int8 conv2d 3x3 + relu"
        case .convolutionReLU6: "int8 conv2d 3x3 + relu6"
        case .convolutionResidual: "int8 conv2d 3x3 + add"
        case .add: "int8 add"
        case .addReLU: "int8 add + relu"
        case .multiply: "int8 mul"
        case .sigmoid, .siluInPieces: "int8 table"
        case .silu: "int8 conv2d 3x3 + table"
        case .maxPool: "int8 MaxPool"
        case .averagePool, .paddedAverage: "int8 AveragePool"
        case .globalAverage: "int8 GlobalAveragePool"
        case .concat: "concat"
        case .transpose: "dequantize"
        case .linear, .wideLinear, .flattenedLinear, .matMul: "int8 linear"
        }
    }

    /// Whether nothing is rounded in another way than the simulation does.
    var isExact: Bool { [.maxPool, .transpose, .sigmoid].contains(self) }
}

/// Makes graphs of quantised values.
struct QuantizedGraphMaker {
    var folding = FoldingGraph(
        FoldingGraph.Limits(maxElements: 1 << 20, maxRank: 8, maxBytes: 1 << 26, maxWork: 1 << 28))
    var random: SeededGenerator
    let isSigned: Bool
    private var count = 0

    init(seed: UInt64, isSigned: Bool) {
        random = SeededGenerator(seed: seed)
        self.isSigned = isSigned
    }

    var graph: Graph { folding.graph }

    private mutating func name(_ word: String) -> String {
        count += 1
        return "\(word)\(count)"
    }

    private mutating func constant(_ values: [Double], _ type: ElementType, _ shape: Shape) throws -> Graph.ValueID {
        folding.graph.addConstant(name("constant"), try Tensor(values, as: type, shape: shape))
    }

    mutating func finished(_ value: Graph.ValueID) -> Graph {
        folding.graph.outputs = [value]
        return folding.graph
    }

    /// An input, quantised.
    mutating func input(_ shape: Shape) throws -> Graph.ValueID {
        try quantized(folding.graph.addInput("input", Fact(.float32, shape)), scale: 1.0 / 100)
    }

    /// A value through a quantisation and back.
    mutating func quantized(_ value: Graph.ValueID, scale: Double = 1.0 / 16, zero: Int = 120) throws -> Graph.ValueID {
        let type: ElementType = isSigned ? .int8 : .uint8
        let scale = try constant([scale], .float32, [])
        let zero = try constant([Double(isSigned ? zero - 128 : zero)], type, [])
        let bytes = try folding.add(
            QuantizeLinear(to: type, Quantization()), [value, scale, zero], name: name("quantize"))[0]
        return try folding.add(DequantizeLinear(Quantization()), [bytes, scale, zero], name: name("dequantize"))[0]
    }

    /// Weights of signed bytes with a scale for each of the first axis.
    mutating func weights(
        _ shape: Shape, filling: Double? = nil, axis: Int = 0, factor: Double = 1
    ) throws -> Graph.ValueID {
        let values = (0..<shape.elementCount).map { _ in
            filling ?? Double(Int.random(in: -127...127, using: &random))
        }
        let integers = try constant(values, .int8, shape)
        let depth = max(1, shape.elementCount / shape[axis])
        let scales = (0..<shape[axis]).map { _ in
            factor * Double.random(in: 0.5...1, using: &random) / Double(depth).squareRoot() / 64
        }
        let scale = try constant(scales, .float32, [shape[axis]])
        return try folding.add(DequantizeLinear(Quantization(axis: axis)), [integers, scale], name: name("weight"))[0]
    }

    private mutating func bias(_ n: Int) throws -> Graph.ValueID {
        try constant((0..<n).map { _ in Double.random(in: -1...1, using: &random) }, .float32, [n])
    }

    private mutating func convolution(
        _ value: Graph.ValueID, outputs: Int, _ window: SlidingWindow, groups: Int = 1
    ) throws -> Graph.ValueID {
        let channels = graph.fact(value).shape[1]
        let weight = try weights(Shape([outputs, channels / groups] + window.kernel))
        let inputs = [value, weight] + (Bool.random(using: &random) ? [try bias(outputs)] : [])
        return try folding.add(Convolution(window, groups: groups), inputs, name: name("conv"))[0]
    }

    private func window(_ kernel: Int, stride: Int = 1, dilation: Int = 1, pad: Int = 1) -> SlidingWindow {
        SlidingWindow(
            kernel: [kernel, kernel], strides: [stride, stride], dilations: [dilation, dilation], before: [pad, pad],
            after: [pad, pad])
    }

    private mutating func unary(_ function: Unary.Function, _ value: Graph.ValueID) throws -> Graph.ValueID {
        try folding.add(Unary(function), [value], name: name("unary"))[0]
    }

    mutating func append(_ pattern: Pattern, to x: Graph.ValueID) throws -> Graph.ValueID {
        let shape = graph.fact(x).shape
        let channels = shape[1]
        switch pattern {
        case .convolution: return try quantized(convolution(x, outputs: 5, window(3)))
        case .wide: return try quantized(convolution(x, outputs: 150, window(3)))
        case .pointwise: return try quantized(convolution(x, outputs: 21, window(1, pad: 0)), zero: 255)
        case .strided: return try quantized(convolution(x, outputs: 9, window(3, stride: 2)), zero: 0)
        case .dilated: return try quantized(convolution(x, outputs: 4, window(3, dilation: 2, pad: 2)))
        case .grouped:
            let groups = channels % 3 == 0 ? 3 : 1
            return try quantized(convolution(x, outputs: 2 * groups, window(3), groups: groups))
        case .depthwise: return try quantized(convolution(x, outputs: channels, window(3), groups: channels))
        case .depthwiseStrided:
            return try quantized(convolution(x, outputs: channels, window(3, stride: 2), groups: channels))
        case .convolutionReLU:
            return try quantized(unary(.relu, convolution(x, outputs: 8, window(3))), zero: 3)
        case .convolutionReLU6:
            return try quantized(unary(.clip(min: 0, max: 6), convolution(x, outputs: 8, window(3))), zero: 0)
        case .convolutionResidual:
            let other = try convolution(x, outputs: channels, window(3))
            return try quantized(folding.add(Binary(.add), [other, x], name: name("add"))[0])
        case .floatOutput: return try quantized(unary(.exp, convolution(x, outputs: 7, window(1, pad: 0))))
        case .add, .addReLU:
            let other = try quantized(convolution(x, outputs: channels, window(3)))
            let sum = try folding.add(Binary(.add), [x, other], name: name("add"))[0]
            return try quantized(pattern == .add ? sum : unary(.relu, sum))
        case .multiply:
            let factors = try quantized(folding.add(AdaptivePool(outputSize: [1, 1]), [x], name: name("mean"))[0])
            return try quantized(folding.add(Binary(.mul), [x, factors], name: name("mul"))[0])
        case .sigmoid: return try quantized(unary(.sigmoid, x))
        case .silu: return try quantized(unary(.silu, quantized(convolution(x, outputs: 6, window(3)))))
        case .siluInPieces:
            let gate = try quantized(unary(.sigmoid, x), scale: 1.0 / 256, zero: 0)
            return try quantized(folding.add(Binary(.mul), [x, gate], name: name("mul"))[0])
        case .maxPool:
            let value = try quantized(x)
            return try quantized(
                folding.add(Pool(.max, window(3, stride: 2)), [value], name: name("pool"))[0])
        case .averagePool, .paddedAverage:
            let pool = Pool(.average(countIncludePad: pattern == .paddedAverage), window(3, stride: 2))
            return try quantized(folding.add(pool, [x], name: name("pool"))[0])
        case .globalAverage:
            return try quantized(folding.add(AdaptivePool(outputSize: [1, 1]), [x], name: name("mean"))[0])
        case .concat:
            let other = try quantized(convolution(x, outputs: 3, window(3)), scale: 1.0 / 20, zero: 9)
            return try quantized(folding.add(Concat(axis: 1), [x, other], name: name("concat"))[0])
        case .transpose:
            let value = try quantized(x)
            return try quantized(folding.add(Transpose([0, 2, 3, 1]), [value], name: name("transpose"))[0])
        case .linear, .wideLinear:
            let outputs = pattern == .linear ? 10 : 150
            let rows = try quantized(folding.add(Transpose([0, 2, 3, 1]), [x], name: name("transpose"))[0])
            return try quantized(
                folding.add(
                    Linear(), [rows, weights([outputs, channels]), bias(outputs)], name: name("linear"))[0])
        case .flattenedLinear:
            let value = try quantized(x)
            let flat = try quantized(folding.add(Reshape([1, shape.elementCount]), [value], name: name("flat"))[0])
            return try folding.add(
                Linear(), [flat, weights([11, shape.elementCount]), bias(11)], name: name("linear"))[0]
        case .matMul:
            let rows = try quantized(folding.add(Transpose([0, 2, 3, 1]), [x], name: name("transpose"))[0])
            return try quantized(
                folding.add(MatMul(), [rows, weights([channels, 6], axis: 1)], name: name("matmul"))[0])
        }
    }
}
