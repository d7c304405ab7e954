// SPDX-License-Identifier: MIT

import Graphs
import Kernels
import Operators
import Tensors
import TestSupport
import Testing

@testable import Runtime

/// Graphs of a few operators drawn at random: what the operators' references answer, what the graph answers after each pass, and what
/// plans answer, without passes, after each pass and after all of them, is the same.
@Suite("random graphs")
struct RandomGraphTests {
    /// A graph, an input and the references' answers.
    private func drawn(_ seed: Int) throws -> (graph: Graph, input: Tensor, expected: [Tensor]) {
        var maker = GraphMaker(seed: UInt64(seed))
        let graph = try maker.make()
        let shape = graph.fact(graph.inputs[0]).shape
        let input = Tensor(randomFloats(shape.elementCount, seed: UInt64(seed)), shape: shape)
        return (graph, input, try graph.evaluate([input]))
    }

    @Test("the plan and each pass agree with the references", arguments: 0..<150)
    func agree(seed: Int) throws {
        let (graph, input, expected) = try drawn(seed)
        var passed: [String] = []
        let plan = try Plan(graph, kernels: KernelTable.available[seed % KernelTable.available.count]) {
            pass, rewritten in
            do {
                try rewritten.check()
                for (actual, expected) in zip(try rewritten.evaluate([input]), expected) {
                    expectClose(
                        actual.floats(), expected.floats(), .network, "seed \(seed) after \(pass.name)\n\(rewritten)")
                }
            } catch {
                Issue.record("seed \(seed), pass \(pass.name): \(error)\n\(rewritten)")
            }
            passed.append(pass.name)
        }
        #expect(passed == Passes.all.map(\.name))
        for threads in [1, 3] {
            let session = try Session(plan, threads: threads, leastSharedWork: 0)
            let actual = try session.run(inputs: [input])
            #expect(actual.map(\.shape) == expected.map(\.shape), "seed \(seed)\n\(graph)")
            for (actual, expected) in zip(actual, expected) {
                expectClose(actual.floats(), expected.floats(), .network, "seed \(seed), \(threads) threads\n\(graph)")
            }
        }
    }

    @Test("plans without passes, and after each of them, agree with the references", arguments: 0..<150)
    func unfinished(seed: Int) throws {
        let (graph, input, expected) = try drawn(seed)
        let kernels = KernelTable.available[seed % KernelTable.available.count]
        for count in 0..<Passes.all.count {
            let passes = Passes.all.prefix(count) + [AssignLayouts()]
            let what = "seed \(seed), \(passes.map(\.name))\n\(graph)"
            let plan = try Plan(graph, passes: Array(passes), kernels: kernels)
            let actual = try Session(plan).run(inputs: [input])
            for (actual, expected) in zip(actual, expected) {
                expectClose(actual.floats(), expected.floats(), .network, "\(what)")
            }
        }
    }

    @Test("the graphs that are drawn give every pass for floats something to do")
    func everyPassIsReached() throws {
        var reached: Set<String> = []
        for seed in 0..<150 {
            var maker = GraphMaker(seed: UInt64(seed))
            let graph = try maker.make()
            var before = "\(graph)"
            _ = try Plan(graph) { pass, rewritten in
                if "\(rewritten)" != before { reached.insert(pass.name) }
                before = "\(rewritten)"
            }
        }
        // Integers are `IntegerGraphTests`' concern.
        let integers: Set = ["UnsignedActivations", "UseIntegers", "FuseTables"]
        #expect(Set(Passes.all.map(\.name)).subtracting(integers).subtracting(reached).isEmpty)
    }

    @Test("rows of two inputs, run together, get the bits of each alone", arguments: 0..<60)
    func batches(seed: Int) throws {
        var maker = GraphMaker(seed: UInt64(seed))
        let graph = try maker.makeOfTwoInputs()
        let session = try Session(Plan(graph), threads: 1 + seed % 3, leastSharedWork: 0)
        let count = seed % 10 == 0 ? 35 : 3
        var (rows, expected): ([Float], [Float]) = ([], [])
        for row in 0..<count {
            let inputs = graph.inputs.enumerated().map { place, input in
                let shape = graph.fact(input).shape
                return Tensor(
                    randomFloats(shape.elementCount, seed: UInt64(1000 * seed + 2 * row + place)), shape: shape)
            }
            let outputs = try session.run(inputs: inputs)
            if row == 0 {
                for (actual, expected) in zip(outputs, try graph.evaluate(inputs)) {
                    expectClose(actual.floats(), expected.floats(), .network, "seed \(seed)\n\(graph)")
                }
            }
            rows += inputs.flatMap { $0.floats() }
            expected += outputs.flatMap { $0.floats() }
        }
        let actual = session.run(rows: rows, count: count)
        #expect(actual.map(\.bitPattern) == expected.map(\.bitPattern), "seed \(seed)\n\(graph)")
    }
}

extension Graph {
    /// The outputs by the operators' references, whatever the order of axes.
    func evaluate(_ tensors: [Tensor]) throws -> [Tensor] {
        var known: [ValueID: Tensor] = [:]
        for (input, tensor) in zip(inputs, tensors) { known[input] = tensor }
        for node in nodes {
            let results = try node.op.evaluate(node.inputs.map { id in try known[id] ?? #require(constant(id)) })
            for (output, result) in zip(node.outputs, results) { known[output] = result }
        }
        return try outputs.map { id in try known[id] ?? #require(constant(id)) }
    }
}

/// Draws graphs.
private struct GraphMaker {
    private var random: SeededGenerator
    private var graph = Graph()
    private var seed: UInt64

    init(seed: UInt64) {
        self.seed = seed &* 7919
        random = SeededGenerator(seed: seed)
    }

    mutating func make() throws -> Graph {
        let channels = [1, 3, 4, 5, 8, 12][random.below(6)]
        var value = graph.addInput("input", Fact(.float32, [1, channels, 3 + random.below(9), 3 + random.below(9)]))
        var earlier: [Graph.ValueID] = []
        for step in 0..<(1 + random.below(6)) {
            earlier.append(value)
            value = try append(to: value, earlier, name: "node\(step)")
        }
        graph.outputs = [value]
        if random.below(3) == 0, let other = earlier.randomElement(using: &random), !graph.inputs.contains(other) {
            graph.outputs.append(other)
        }
        return graph
    }

    /// Two images of one shape, which meet; the second one's mean times what becomes of both is another output.
    mutating func makeOfTwoInputs() throws -> Graph {
        let shape: Shape = [1, [1, 3, 4, 8][random.below(4)], 3 + random.below(6), 3 + random.below(6)]
        let inputs = ["left", "right"].map { graph.addInput($0, Fact(.float32, shape)) }
        var value = try append(to: inputs[0], [], name: "first")
        let isMet = graph.fact(value).shape == shape
        if isMet { value = try graph.add(Binary(.sub), [value, inputs[1]], name: "both")[0] }
        for step in 0..<(1 + random.below(4)) { value = try append(to: value, [], name: "node\(step)") }
        let axes = Array(0..<4)
        let mean = try graph.add(Reduce(.mean, axes: axes, keepDimensions: true), [inputs[1]], name: "mean")[0]
        let factor = try graph.add(Reshape([1]), [mean], name: "factor")[0]
        graph.outputs = [try graph.add(Binary(.mul), [value, factor], name: "product")[0], mean]
        return graph
    }

    private mutating func constant(_ shape: Shape) -> Graph.ValueID {
        seed &+= 1
        return graph.addConstant("weight\(seed)", Tensor(randomFloats(shape.elementCount, seed: seed), shape: shape))
    }

    private mutating func append(to value: Graph.ValueID, _ earlier: [Graph.ValueID], name: String) throws
        -> Graph.ValueID
    {
        let shape = graph.fact(value).shape
        let rank = shape.rank
        switch random.below(24) {
        case 0 where rank == 4, 1 where rank == 4, 2 where rank == 4: return try convolution(value, shape, name: name)
        case 3:
            return try graph.add(
                Unary(
                    [.relu, .silu, .sigmoid, .clip(min: -0.5, max: 1), .leakyRelu(alpha: 0.1), .exp][random.below(6)]),
                [value], name: name)[0]
        case 4:
            let same = earlier.filter { graph.fact($0).shape == shape }
            guard let other = same.randomElement(using: &random) else { fallthrough }
            return try graph.add(Binary([.add, .mul, .max][random.below(3)]), [value, other], name: name)[0]
        case 5:
            // A constant that is broadcast along some axes.
            let sizes = shape.dimensions.map { random.below(2) == 0 ? 1 : $0 }
            let other = constant(Shape(random.below(2) == 0 ? Array(sizes.dropFirst(random.below(rank))) : sizes))
            return try graph.add(
                Binary([.add, .mul, .sub, .max][random.below(4)]),
                random.below(2) == 0 ? [value, other] : [other, value], name: name)[0]
        case 6: return try graph.add(Transpose(Array(0..<rank).shuffled(using: &random)), [value], name: name)[0]
        case 7:
            // Two axes merged, or all behind the first.
            let axis = random.below(max(1, rank - 1))
            guard rank > 2 else { return value }
            let merged =
                Array(shape.dimensions[..<axis]) + [shape[axis] * shape[axis + 1]]
                + Array(shape.dimensions[(axis + 2)...])
            return try graph.add(
                Reshape(random.below(2) == 0 ? Shape(merged) : [1, shape.elementCount]), [value], name: name)[0]
        case 8:
            let axis = random.below(rank)
            let other = random.below(2) == 0 ? value : constant(shape)
            return try graph.add(Concat(axis: axis), [value, other], name: name)[0]
        case 9:
            let axis = random.below(rank)
            guard shape[axis] > 1 else { return value }
            let first = 1 + random.below(shape[axis] - 1)
            let parts = try graph.add(Split(axis: axis, sizes: [first, shape[axis] - first]), [value], name: name)
            return parts[random.below(2)]
        case 10:
            let counts = shape.dimensions.map { max(1, $0 - random.below(2)) }
            return try graph.add(
                Slice(
                    starts: zip(shape.dimensions, counts).map { $0 - $1 }, counts: counts, steps: counts.map { _ in 1 }),
                [value], name: name)[0]
        case 11:
            let before = (0..<rank).map { _ in random.below(3) }
            return try graph.add(
                Pad(before: before, after: before.reversed(), mode: .constant(0.5)), [value], name: name)[0]
        case 12:
            let axes = (0..<rank).filter { _ in random.below(2) == 0 }
            let function: Reduce.Function = [.mean, .sum, .max, .l2][random.below(4)]
            return try graph.add(
                Reduce(function, axes: axes, keepDimensions: random.below(2) == 0 || axes.count == rank), [value],
                name: name)[0]
        case 13: return try graph.add(Softmax(axis: random.below(rank)), [value], name: name)[0]
        case 14:
            let columns = shape[rank - 1]
            return try graph.add(
                LayerNormalization(axis: rank - 1, epsilon: 1e-5), [value, constant([columns]), constant([columns])],
                name: name)[0]
        case 15:
            let outputs = 1 + random.below(20)
            let weights = [constant([outputs, shape[rank - 1]])] + (random.below(2) == 0 ? [constant([outputs])] : [])
            return try graph.add(Linear(), [value] + weights, name: name)[0]
        case 16, 17, 18: return try gated(value, shape, name: name)
        case 19: return try spelled(value, name: name)
        case 20: return try attention(value, shape, name: name)
        case 21, 22: return try block(value, shape, name: name)
        default:
            let weight = constant([shape[rank - 1], 1 + random.below(20)])
            return try graph.add(MatMul(), [value, weight], name: name)[0]
        }
    }

    /// Squeeze-and-excitation of an image, most often of one that a depthwise convolution makes, and before a 1x1 convolution.
    private mutating func gated(_ value: Graph.ValueID, _ shape: Shape, name: String) throws -> Graph.ValueID {
        guard shape.rank == 4, shape[0] == 1, shape.elementCount > 0 else { return value }
        var image = value
        if random.below(3) > 0 {
            let size = [3, 5, 9][random.below(3)]
            let window = SlidingWindow(
                kernel: [size, size], before: [size / 2, size / 2], after: [size / 2, size / 2])
            image = try graph.add(
                Convolution(window, groups: shape[1]), [image, constant([shape[1], 1, size, size])],
                name: name + ".depthwise")[0]
        }
        let mean: any Operator =
            random.below(2) == 0
            ? AdaptivePool(outputSize: [1, 1]) : Reduce(.mean, axes: [2, 3], keepDimensions: true)
        let squeezed = try graph.add(mean, [image], name: name + ".mean")[0]
        let gate = try graph.add(Unary(.sigmoid), [squeezed], name: name + ".gate")[0]
        let scaled = try graph.add(Binary(.mul), [image, gate], name: name + ".scale")[0]
        guard random.below(3) > 0 else { return scaled }
        return try graph.add(
            Convolution(SlidingWindow(kernel: [1, 1])), [scaled, constant([1 + random.below(9), shape[1], 1, 1])],
            name: name + ".project")[0]
    }

    /// A convolution that keeps the shape, and what is added behind it: its bias, or its input.
    private mutating func block(_ value: Graph.ValueID, _ shape: Shape, name: String) throws -> Graph.ValueID {
        guard shape.rank == 4, shape[0] == 1 else { return value }
        let window = SlidingWindow(kernel: [3, 3], before: [1, 1], after: [1, 1])
        let result = try graph.add(
            Convolution(window), [value, constant([shape[1], shape[1], 3, 3])], name: name + ".conv")[0]
        let other = random.below(2) == 0 ? constant([1, shape[1], 1, 1]) : value
        return try graph.add(Binary(.add), [result, other], name: name + ".add")[0]
    }

    /// GELU, HardSwish, SiLU or a layer norm in primitives.
    private mutating func spelled(_ value: Graph.ValueID, name: String) throws -> Graph.ValueID {
        func number(_ value: Float) -> Graph.ValueID {
            graph.addConstant("\(name).\(value)", Tensor([value], shape: []))
        }
        func add(_ op: any Operator, _ inputs: Graph.ValueID...) throws -> Graph.ValueID {
            try graph.add(op, inputs, name: "\(name).\(graph.nodes.count)")[0]
        }
        switch random.below(4) {
        case 0:
            let argument = try add(Binary(.div), value, number(Float(2).squareRoot()))
            let sum = try add(Binary(.add), add(Unary(.erf), argument), number(1))
            return try add(Binary(.mul), add(Binary(.mul), value, sum), number(0.5))
        case 1:
            let clipped = try add(Unary(.clip(min: 0, max: 6)), add(Binary(.add), value, number(3)))
            return try add(Binary(.div), add(Binary(.mul), value, clipped), number(6))
        case 2:
            let axes = [graph.fact(value).shape.rank - 1]
            let mean = try add(Reduce(.mean, axes: axes, keepDimensions: true), value)
            let difference = try add(Binary(.sub), value, mean)
            let square = try add(Binary(.mul), difference, difference)
            let variance = try add(Reduce(.mean, axes: axes, keepDimensions: true), square)
            let root = try add(Unary(.sqrt), add(Binary(.add), variance, number(0.01)))
            let columns: Shape = [graph.fact(value).shape[axes[0]]]
            let (scale, bias) = (constant(columns), constant(columns))
            return try add(
                Binary(.add), add(Binary(.mul), add(Binary(.div), difference, root), scale), bias)
        default: return try add(Binary(.mul), add(Unary(.sigmoid), value), value)
        }
    }

    /// Rows of the last two axes that attend to each other, in primitives.
    private mutating func attention(_ value: Graph.ValueID, _ shape: Shape, name: String) throws -> Graph.ValueID {
        let rank = shape.rank
        guard rank > 2 else { return value }
        let transposed = try graph.add(
            Transpose(Array(0..<(rank - 2)) + [rank - 1, rank - 2]), [value], name: name + ".keys")[0]
        let scale = graph.addConstant(name + ".factor", Tensor([0.3], shape: []))
        let scores = try graph.add(MatMul(), [value, transposed], name: name + ".scores")[0]
        let scaled = try graph.add(Binary(.mul), [scores, scale], name: name + ".scaled")[0]
        let weights = try graph.add(Softmax(axis: rank - 1), [scaled], name: name + ".softmax")[0]
        return try graph.add(MatMul(), [weights, value], name: name + ".sum")[0]
    }

    private mutating func convolution(_ value: Graph.ValueID, _ shape: Shape, name: String) throws -> Graph.ValueID {
        guard shape[0] == 1 else { return value }
        if random.below(8) == 0 {
            let sizes = [1 + random.below(2 * shape[2] + 3), 1 + random.below(3 * shape[3])]
            let scales = zip(sizes, shape.dimensions.dropFirst(2)).map { Double($0) / Double($1) }
            let resize = Resize(
                sizes: sizes, scales: scales,
                interpolation: [.linear, .nearest(.floor), .cubic(-0.75)][random.below(3)],
                coordinates: .halfPixel)
            return try graph.add(resize, [value], name: name)[0]
        }
        if random.below(4) == 0 {
            let window = SlidingWindow(
                kernel: [min(2, shape[2]), min(3, shape[3])], strides: [1 + random.below(2), 1],
                ceilMode: random.below(2) == 0)
            return try graph.add(
                Pool([.max, .average(countIncludePad: true)][random.below(2)], window), [value], name: name)[0]
        }
        let isDepthwise = random.below(3) == 0
        let outputs = isDepthwise ? shape[1] : [1, 4, 8, 20][random.below(4)]
        let kernel = [1, 3, 3, 5][random.below(4)]
        // Some reach beyond the image wherever they stand.
        let dilation = random.below(3) == 0 ? 1 + random.below(12) : 1
        let pad = kernel / 2 * dilation
        let window = SlidingWindow(
            kernel: [kernel, kernel], strides: [1 + random.below(2), 1], dilations: [dilation, dilation],
            before: [pad, pad], after: [pad, pad])
        let divisors = (1...shape[1]).filter { shape[1] % $0 == 0 && outputs % $0 == 0 }
        let groups = isDepthwise ? shape[1] : random.below(3) == 0 ? divisors[random.below(divisors.count)] : 1
        let weight = constant([outputs, shape[1] / groups, kernel, kernel])
        let result = try graph.add(
            Convolution(window, groups: groups), [value, weight] + (random.below(2) == 0 ? [constant([outputs])] : []),
            name: name)[0]
        guard random.below(2) == 0 else { return result }
        let variance = graph.addConstant(
            "variance", Tensor((0..<outputs).map { 0.5 + Float($0 % 3) }, shape: [outputs]))
        return try graph.add(
            BatchNormalization(epsilon: 1e-5),
            [result, constant([outputs]), constant([outputs]), constant([outputs]), variance], name: name + ".bn")[0]
    }
}

extension SeededGenerator {
    fileprivate mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
