// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Protobuf
import SystemCalls
import Tensors
import TestSupport
import Testing

@testable import ONNX

@Suite struct ImporterTests {
    private func run(_ builder: ModelBuilder, _ inputs: [Float] = [1, -2, 3], folder: String? = nil) throws -> [Double]
    {
        let graph = try builder.model(folder: folder).graph()
        try graph.check()
        let tensors = graph.inputs.map { id in
            Tensor(Array(inputs.prefix(graph.fact(id).elementCount)), shape: graph.fact(id).shape)
        }
        return try graph.evaluate(tensors)[0].doubles()
    }

    private func problems(_ builder: ModelBuilder) throws -> [UnsupportedNode] {
        do {
            _ = try builder.model().graph()
            return []
        } catch ONNXError.unsupported(let problems) {
            return problems
        }
    }

    @Test func unsortedNodesAreSorted() throws {
        var builder = ModelBuilder()
        builder.input("x", [3])
        builder.node("Neg", ["y"], ["z"])
        builder.node("Relu", ["x"], ["y"])
        builder.output("z")
        #expect(try run(builder) == [-1, -0.0, -3])
    }

    /// PyTorch writes it at every Resize, though it is of those that are given by sizes.
    @Test(arguments: ["stretch", "not_larger"]) func aRatioOfSizesIsNothingToScales(policy: String) throws {
        var builder = ModelBuilder()
        builder.input("x", [1, 1, 1, 3])
        builder.node("Constant", [], ["whole"], ("value_ints", .ints([1, 1, 1, 2])))
        builder.node("Cast", ["whole"], ["scales"], ("to", .int(1)))
        builder.node(
            "Resize", ["x", "", "scales"], ["y"], ("keep_aspect_ratio_policy", .string(policy)),
            ("coordinate_transformation_mode", .string("asymmetric")), ("nearest_mode", .string("floor")))
        builder.output("y")
        #expect(try run(builder) == [1, 1, -2, -2, 3, 3])
    }

    /// The caller knows the file's names for the outputs, not those of the nodes behind them.
    @Test func outputsHaveTheFilesNames() throws {
        var builder = ModelBuilder()
        builder.input("x", [3])
        builder.node("Relu", ["x"], ["hidden"], name: "/relu/Relu")
        builder.node("Identity", ["hidden"], ["answer"], name: "/Identity")
        builder.node("Identity", ["hidden"], ["again"], name: "/Identity_1")
        for name in ["answer", "hidden", "x", "again"] { builder.output(name) }
        let graph = try builder.model().graph()
        #expect(graph.outputNames == ["answer", "hidden", "x", "again"])
        #expect(graph.outputs[0] == graph.outputs[1] && graph.outputs[2] == graph.inputs[0])
    }

    /// A file may name one output as often as it likes.
    @Test func outputsOfOneNameAreToldApart() throws {
        var builder = ModelBuilder()
        builder.input("x", [3])
        builder.node("Relu", ["x"], ["y"])
        let count = 50_000
        for _ in 0..<count { builder.output("y") }
        let names = try builder.model().graph().outputNames
        #expect(names.prefix(3) == ["y", "y#2", "y#3"] && Set(names).count == count)
    }

    @Test func cyclesAreNamed() throws {
        var builder = ModelBuilder()
        builder.input("x", [3])
        builder.node("Add", ["x", "z"], ["y"], name: "first")
        builder.node("Relu", ["y"], ["z"], name: "second")
        builder.output("z")
        #expect(
            throws: ONNXError.malformed(reason: "these nodes wait for each other: first, second")
        ) { try builder.model().graph() }
    }

    /// Everything that would not run is told at once, and what stands behind it is looked at by the shapes that the file says.
    @Test func allProblemsAreToldAtOnce() throws {
        var builder = ModelBuilder()
        builder.input("x", [3])
        builder.node("Mystery", ["x"], ["a"], name: "m")
        builder.node("Softmax", ["a"], ["b"], name: "s", ("axis", .int(5)))
        builder.node("NonMaxSuppression", ["b"], ["c"], name: "n")
        builder.node("Relu", ["x"], ["d"], name: "r", ("negative_slope", .float(1)))
        builder.hint("a", [2, 2])
        builder.output("d")
        let found = try problems(builder)
        #expect(found.map(\.node) == ["m", "s", "n", "r"])
        #expect(found[1].reason == "axis 5 of a value of 2 dimensions")
        #expect(found[3].reason == "attribute 'negative_slope' is not supported")
    }

    @Test func absentInputsAreEmptyNames() throws {
        var builder = ModelBuilder()
        builder.input("x", [3])
        builder.tensor("high", [], type: 1) { $0.write(4, packed: [Float(2)]) }
        builder.node("Clip", ["x", "", "high"], ["y"])
        builder.output("y")
        #expect(try run(builder) == [1, -2, 2])
    }

    @Test func shapesAreFolded() throws {
        var builder = ModelBuilder()
        builder.input("x", ["batch", 2, "height", "width"])
        builder.node("Shape", ["x"], ["shape"])
        builder.integers("first", [0])
        builder.node("Gather", ["shape", "first"], ["n"])
        builder.integers("rest", [-1])
        builder.node("Concat", ["n", "rest"], ["target"], ("axis", .int(0)))
        builder.node("Reshape", ["x", "target"], ["y"])
        builder.output("y")
        var options = ONNXImportOptions()
        options.batch = 3
        options.size = (height: 4, width: 5)
        let graph = try builder.model().graph(options)
        #expect(graph.nodes.map(\.op.name) == ["Reshape"])
        #expect(graph.fact(graph.outputs[0]).shape == [3, 40])
        #expect(throws: ONNXError.freeDimension(input: "x", shape: "[batch, 2, height, width]")) {
            try builder.model().graph()
        }
        options.size = nil
        options.dimensions = ["height": 4, "width": 5]
        #expect(try builder.model().graph(options).nodes.count == 1)
    }

    @Test func sizesOfChannelsLastImagesAreBound() throws {
        var builder = ModelBuilder()
        builder.input("x", ["n", "h", "w", 3])
        builder.node("Relu", ["x"], ["y"])
        builder.output("y")
        var options = ONNXImportOptions()
        options.size = (height: 4, width: 5)
        let graph = try builder.model().graph(options)
        #expect(graph.fact(graph.inputs[0]).shape == [1, 4, 5, 3])
    }

    @Test func everyStorageOfTensorsIsRead() throws {
        let floats: [Float] = [1, 2, 3]
        let stored: [(Int, (inout ProtobufWriter) -> Void)] = [
            (1, { $0.write(9, bytes: bytes(floats)) }), (1, { $0.write(4, packed: floats) }),
            (1, { writer in for value in floats { writer.write(4, float: value) } }),
            (11, { writer in for value in floats { writer.write(10, double: Double(value)) } }),
            (11, { $0.write(9, bytes: bytes(floats.map(Double.init))) }),
            (10, { $0.write(5, packed: [0x3C00, 0x4000, 0x4200]) }),
            (10, { $0.write(9, bytes: bytes([UInt16](arrayLiteral: 0x3C00, 0x4000, 0x4200))) }),
            (16, { $0.write(5, packed: [0x3F80, 0x4000, 0x4040]) }),
            (7, { $0.write(7, packed: [1, 2, 3]) }), (7, { $0.write(9, bytes: bytes([1, 2, 3])) }),
            (6, { $0.write(5, packed: [1, 2, 3]) }), (5, { $0.write(5, packed: [1, 2, 3]) }),
            (3, { $0.write(5, packed: [1, 2, 3]) }), (2, { $0.write(9, bytes: [1, 2, 3]) }),
        ]
        for (type, body) in stored {
            var builder = ModelBuilder()
            builder.input("x", [3])
            builder.tensor("w", [3], type: type, body)
            builder.node("Cast", ["w"], ["f"], ("to", .int(1)))
            builder.node("Add", ["x", "f"], ["y"])
            builder.output("y")
            #expect(try run(builder) == [2, 0, 6], "type \(type)")
        }
    }

    @Test func liesAboutTensorsAreRefused() throws {
        let lies: [(dimensions: [Int], type: Int, body: (inout ProtobufWriter) -> Void)] = [
            ([3], 1, { $0.write(9, bytes: [1, 2, 3, 4]) }), ([3], 1, { $0.write(4, packed: [Float(1)]) }),
            ([3], 7, { $0.write(7, packed: [1, 2]) }), ([-1], 1, { _ in }), ([1 << 62, 1 << 62], 1, { _ in }),
            ([1 << 61], 11, { _ in }), ([3], 99, { $0.write(9, bytes: [1]) }),
            ([2], 8, { $0.write(6, string: "text") }),
            ([3], 1, { $0.write(5, packed: [1, 2, 3]) }),
        ]
        for (index, lie) in lies.enumerated() {
            var builder = ModelBuilder()
            builder.input("x", [3])
            builder.tensor("w", lie.dimensions, type: lie.type, lie.body)
            builder.node("Add", ["x", "w"], ["y"])
            builder.output("y")
            #expect(try problems(builder).map(\.node) == ["w"], "lie \(index)")
        }
    }

    @Test func externalDataIsFoundBesideTheFileAndNowhereElse() throws {
        let folder = try TemporaryFolder()
        try folder.write(bytes([Float(0), 10, 20, 30]), to: "weights.bin")
        func builder(_ location: String, offset: String = "4", length: String = "12") -> ModelBuilder {
            var builder = ModelBuilder()
            builder.input("x", [3])
            builder.tensor("w", [3], type: 1) { tensor in
                for (key, value) in [("location", location), ("offset", offset), ("length", length)] {
                    tensor.write(13) {
                        $0.write(1, string: key)
                        $0.write(2, string: value)
                    }
                }
                tensor.write(14, int64: 1)
            }
            builder.node("Add", ["x", "w"], ["y"])
            builder.output("y")
            return builder
        }
        #expect(try run(builder("weights.bin"), folder: folder.url.path) == [11, 18, 33])
        for location in ["/etc/passwd", "../weights.bin", "a/../weights.bin", "missing.bin", "", "a\\b"] {
            #expect(throws: ONNXError.self, "\(location)") { try run(builder(location), folder: folder.url.path) }
        }
        for (offset, length) in [("8", "12"), ("4", "8"), ("-4", "12"), ("99999999999999999999", "12"), ("x", "12")] {
            #expect(throws: ONNXError.self) {
                try run(builder("weights.bin", offset: offset, length: length), folder: folder.url.path)
            }
        }
        #expect(throws: ONNXError.self) { try run(builder("weights.bin")) }
    }

    @Test func constantConditionsChooseTheirGraph() throws {
        func branch(_ op: String) -> ProtobufWriter {
            var graph = ProtobufWriter()
            graph.write(1) { ModelBuilder.node(&$0, op, ["x"], ["r"], []) }
            graph.write(12) { $0.write(1, string: "r") }
            return graph
        }
        for (condition, expected) in [(1, [1.0, 0, 3]), (0, [-1, 2, -3])] {
            var builder = ModelBuilder()
            builder.input("x", [3])
            builder.tensor("c", [], type: 9) { $0.write(5, packed: [condition]) }
            builder.node(
                "If", ["c"], ["y"], ("then_branch", .graph(branch("Relu"))), ("else_branch", .graph(branch("Neg"))))
            builder.output("y")
            #expect(try run(builder) == expected)
        }
    }

    @Test func functionsAreInlined() throws {
        var builder = ModelBuilder()
        builder.input("x", [3])
        builder.node("Halved", ["x"], ["y"], domain: "own", ("to", .int(7)))
        builder.output("y")
        builder.extra = { model in
            model.write(25) { function in
                function.write(1, string: "Halved")
                function.write(4, string: "a")
                function.write(4, string: "missing")
                function.write(5, string: "b")
                function.write(6, string: "to")
                function.write(7) { ModelBuilder.node(&$0, "Cast", ["a"], ["i"], [("to", .reference("to"))]) }
                function.write(7) { ModelBuilder.node(&$0, "Clip", ["i", "missing", "missing"], ["b"], []) }
                function.write(9) { $0.write(2, int64: 21) }
                function.write(10, string: "own")
            }
        }
        let graph = try builder.model().graph()
        #expect(try graph.evaluate([Tensor([1.5, -2.5, 3], shape: [3])])[0].integers() == [1, -2, 3])
    }

    @Test func functionsThatCallEachOtherEnd() throws {
        var builder = ModelBuilder()
        builder.input("x", [3])
        builder.node("F", ["x"], ["y"], domain: "own")
        builder.output("y")
        builder.extra = { model in
            model.write(25) { function in
                function.write(1, string: "F")
                function.write(4, string: "a")
                function.write(5, string: "b")
                function.write(7) { ModelBuilder.node(&$0, "F", ["a"], ["b"], domain: "own", []) }
                function.write(10, string: "own")
            }
        }
        #expect(throws: ONNXError.limit(what: "graphs or functions within each other", limit: 16)) {
            try builder.model().graph()
        }
    }

    @Test func costsAreBounded() throws {
        var builder = ModelBuilder()
        for _ in 0..<2000 { builder.graph.write(1, bytes: []) }
        var limits = ONNXLimits()
        limits.maxNodes = 1000
        #expect(throws: ONNXError.limit(what: "nodes", limit: 1000)) { try builder.model(limits: limits) }

        var large = ModelBuilder()
        large.integers("shape", [1 << 15, 1 << 15])
        large.node("ConstantOfShape", ["shape"], ["a"])
        large.node("MatMul", ["a", "a"], ["y"])
        large.output("y")
        limits = ONNXLimits()
        limits.maxFoldedBytes = 1 << 20
        #expect(throws: ONNXError.self) { try large.model(limits: limits).graph() }
        limits.maxElements = 1000
        #expect(throws: ONNXError.limit(what: "elements of one value", limit: 1000)) {
            try large.model(limits: limits).graph()
        }
    }

    @Test func firstVersionsBroadcastFromAnAxis() throws {
        var builder = ModelBuilder()
        builder.opset = 6
        builder.input("x", [1, 3, 1])
        builder.floats("b", [3], [10, 20, 30])
        builder.node("Add", ["x", "b"], ["y"], ("broadcast", .int(1)), ("axis", .int(1)))
        builder.output("y")
        #expect(try run(builder) == [11, 18, 33])
    }

    @Test func fusedConvolutionsOfONNXRuntimeAreRead() throws {
        var builder = ModelBuilder()
        builder.input("x", [1, 1, 1, 3])
        builder.floats("w", [1, 1, 1, 1], [2])
        builder.node("FusedConv", ["x", "w"], ["y"], domain: "com.microsoft", ("activation", .string("Relu")))
        builder.output("y")
        #expect(try run(builder) == [2, 0, 6])
    }

    @Test func bitsAreReadAsAnotherType() throws {
        var builder = ModelBuilder()
        builder.opset = 26
        builder.input("x", [3])
        builder.node("BitCast", ["x"], ["y"], ("to", .int(6)))
        builder.output("y")
        #expect(try run(builder) == [0x3F80_0000, Double(Int32(bitPattern: 0xC000_0000)), 0x4040_0000])
        var other = ModelBuilder()
        other.input("x", [3])
        other.node("BitCast", ["x"], ["y"], name: "b", ("to", .int(7)))
        other.output("y")
        #expect(try problems(other).map(\.node) == ["b"])
    }

    @Test func reportsTellEverything() throws {
        var builder = ModelBuilder()
        builder.input("x", ["n", 3])
        builder.floats("w", [2, 3], [1, 2, 3, 4, 5, 6])
        builder.node("Gemm", ["x", "w"], ["y"], ("transB", .int(1)))
        builder.output("y")
        let report = try builder.model().report()
        #expect(report.inputs.map(\.type) == ["f32 [n, 3]"])
        #expect(report.parameterCount == 6 && report.multiplyAdds == 6)
        #expect(report.operators.map(\.name) == ["Gemm"] && report.problems.isEmpty && report.fault == nil)
        builder.node("Mystery", ["y"], ["z"])
        let other = try builder.model().report()
        #expect(other.problems.map(\.op) == ["Mystery"] && other.multiplyAdds == nil)
    }

    @Test func anythingElseIsRefused() {
        for bytes in [[], [0], Array("PK\u{3}\u{4}".utf8), [0x08, 0x08], [0x08, 0x08, 0x3A, 0x05]] as [[UInt8]] {
            #expect(throws: (any Error).self) { try ONNXModel(bytes: bytes) }
        }
    }
}
