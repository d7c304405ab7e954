// SPDX-License-Identifier: MIT

import Graphs
import JSON
import Operators
import Runtime
import Tensors
import TestSupport
import Testing

@testable import TorchExport

@Suite("reading programs of torch.export")
struct ProgramImporterTests {
    private func unary(_ target: String, _ arguments: [(String, JSONValue)] = []) -> ProgramText {
        var text = ProgramText()
        text.input("x", [2, 3])
        text.node(target, [("self", ProgramText.tensor("x"))] + arguments, ["y"])
        text.output("y")
        return text
    }

    private func problems(_ text: ProgramText) throws -> [UnsupportedNode] {
        do {
            _ = try text.program().graph()
            return []
        } catch TorchExportError.unsupported(let problems) {
            return problems
        }
    }

    @Test("all that would not run is told at once")
    func allProblemsAreToldAtOnce() throws {
        var text = ProgramText()
        text.input("x", [2, 3])
        text.declare("a", [2, 3])
        text.node("aten.mystery.default", [("self", ProgramText.tensor("x"))], ["a"])
        text.node("aten.softmax.int", [("self", ProgramText.tensor("a")), ("dim", ["as_int": 7])], ["b"])
        text.node("aten.nonzero.default", [("self", ProgramText.tensor("b"))], ["c"])
        text.node("aten.relu.default", [("self", ProgramText.tensor("x")), ("upside_down", ["as_int": 1])], ["d"])
        text.output("c")
        text.output("d")
        #expect(
            try problems(text).map(\.description) == [
                "aten.mystery.default 'a': no such operator is known",
                "aten.softmax.int 'b': axis 7 of a value of 2 dimensions",
                "aten.nonzero.default 'c': no such operator is known",
                "aten.relu.default 'd': argument 'upside_down' is not supported",
            ])
    }

    @Test("what is changed in place is read changed, through every name that shares its memory")
    func inPlaceIsFollowed() throws {
        var text = ProgramText()
        text.input("x", [2, 3])
        text.node("aten.clone.default", [("self", ProgramText.tensor("x"))], ["y"])
        text.node("aten.view.default", [("self", ProgramText.tensor("y")), ("size", ["as_ints": [6]])], ["flat"])
        text.node(
            "aten.slice.Tensor",
            [("self", ProgramText.tensor("flat")), ("dim", ["as_int": 0]), ("start", ["as_int": 4])], ["end"])
        text.node("aten.mul_.Scalar", [("self", ProgramText.tensor("end")), ("other", ["as_int": 10])], ["z"])
        for name in ["x", "y", "flat", "end", "z"] { text.output(name) }
        let graph = try text.program().graph()
        let x = Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3])
        let outputs = try graph.evaluate([x]).map { $0.floats() }
        #expect(outputs[0] == [1, 2, 3, 4, 5, 6])
        #expect(outputs[1] == [1, 2, 3, 4, 50, 60])
        #expect(outputs[2] == [1, 2, 3, 4, 50, 60])
        #expect(outputs[3] == [50, 60])
        #expect(outputs[4] == [50, 60])
    }

    @Test("a name that may share memory is refused once the memory is changed, and only if it is read")
    func uncertainSharingIsRefused() throws {
        var text = ProgramText()
        text.input("x", [2, 3])
        text.node("aten.relu.default", [("self", ProgramText.tensor("x"))], ["y"])
        text.node("aten.reshape.default", [("self", ProgramText.tensor("y")), ("shape", ["as_ints": [6]])], ["flat"])
        text.node("aten.add_.Tensor", [("self", ProgramText.tensor("flat")), ("other", ["as_int": 1])], ["z"])
        text.output("z")
        #expect(try problems(text).isEmpty)
        text.output("y")
        let told = try problems(text)
        #expect(told.count == 1)
        #expect(told.first?.reason.contains("may share its memory") == true)
    }

    /// The text of `treespec_dumps` for a dictionary.
    private func spec(_ keys: String, _ children: [String]) -> String {
        #"[1,{"type":"builtins.dict","context":\#(JSONValue.string(keys).text),"#
            + #""children_spec":[\#(children.joined(separator: ","))]}]"#
    }

    @Test("outputs are named by the keys under which the network returns them, else by their values")
    func outputsAreNamed() throws {
        let leaf = #"{"type":null,"context":null,"children_spec":[]}"#
        let pair = #"{"type":"builtins.tuple","context":"null","children_spec":[\#(leaf),\#(leaf)]}"#
        func names(_ spec: String?) throws -> [String] {
            var text = unary("aten.relu.default")
            text.output("x")
            text.output("y")
            text.outputSpec = spec
            let program = try text.program()
            let names = try program.graph().outputNames
            #expect(spec == nil || program.report().outputs.map(\.name) == names)
            return names
        }
        #expect(try names(spec(#"["out", "aux"]"#, [leaf, pair])) == ["out", "aux.0", "aux.1"])
        let inner = spec(#"["a", "b"]"#, [leaf, leaf]).dictionary
        #expect(try names(spec(#"["out", 7]"#, [inner, leaf])) == ["out.a", "out.b", "7"])
        // The same value twice is told apart.
        #expect(try names(nil) == ["y", "x", "y#2"])
        let list = #"[1,{"type":"builtins.list","context":"null","children_spec":[\#(leaf),\#(leaf),\#(leaf)]}]"#
        #expect(try names(list) == ["y", "x", "y#2"])
        // Text that says something else names nothing: another count, too long, too deep, no JSON.
        let long = String(repeating: "k", count: 2000)
        let deep = (0..<40).reduce(leaf) { inner, _ in spec(#"["k"]"#, [inner]).dictionary }
        for bad in [
            spec(#"["out"]"#, [leaf]), spec(#"["\#(long)", "b"]"#, [leaf, pair]), "[1, \(deep)]", "[1", "", "[1, 2, 3]",
            spec(#"["out"]"#, [leaf, pair]),
        ] {
            #expect(try names(bad) == ["y", "x", "y#2"], "\(bad.prefix(80))")
        }
    }

    @Test("bits are read as another type, but not those of halves, nor after they are changed in place")
    func bitsAreReadAsAnotherType() throws {
        func text(from type: Int, to dtype: Int) -> ProgramText {
            var text = ProgramText()
            text.input("x", [2], type: type)
            text.node(
                "aten.view.dtype",
                [("self", ProgramText.tensor("x")), ("dtype", ["as_scalar_type": .integer(dtype)])], ["y"])
            text.output("y")
            return text
        }
        let graph = try text(from: 7, to: 4).program().graph()
        let x = Tensor([1, -2], shape: [2])
        #expect(try graph.evaluate([x])[0].integers() == [0x3F80_0000, Int(Int32(bitPattern: 0xC000_0000))])
        let planned = try Session(Plan(graph)).run(inputs: [x])
        #expect(planned[0].integers() == [0x3F80_0000, Int(Int32(bitPattern: 0xC000_0000))])
        for (type, dtype) in [(6, 4), (4, 6), (13, 4), (7, 5)] {
            #expect(try problems(text(from: type, to: dtype)).count == 1, "\(type) to \(dtype)")
        }
        var written = ProgramText()
        written.input("x", [2])
        written.node("aten.clone.default", [("self", ProgramText.tensor("x"))], ["c"])
        written.node(
            "aten.view.dtype", [("self", ProgramText.tensor("c")), ("dtype", ["as_scalar_type": 4])], ["y"])
        written.node("aten.add_.Tensor", [("self", ProgramText.tensor("y")), ("other", ["as_int": 1])], ["z"])
        written.output("c")
        #expect(try problems(written).first?.reason.contains("may share its memory") == true)
    }

    @Test("a batch that is free is one, a free size must be given, a fixed one stays")
    func sizesAreBound() throws {
        var text = ProgramText()
        text.input("x", ["s0", 3, "s1", 5])
        text.node("aten.relu.default", [("self", ProgramText.tensor("x"))], ["y"])
        text.output("y")
        let program = try text.program()
        #expect(
            throws: TorchExportError.freeDimension(input: "x", shape: "[s0, 3, s1, 5]")
        ) { try program.graph() }
        var options = TorchExportOptions()
        options.size = (height: 7, width: 5)
        let graph = try program.graph(options)
        #expect(graph.fact(graph.inputs[0]).shape == [1, 3, 7, 5])
        options.size = (height: 7, width: 6)
        #expect(
            throws: TorchExportError.fixedSize(input: "x", shape: "[s0, 3, s1, 5]", wanted: "7x6")
        ) { try program.graph(options) }
    }

    @Test("a program of a version that is not known is refused with what to do", arguments: [1, 4, 9])
    func versionsAreChecked(major: Int) throws {
        var text = unary("aten.relu.default")
        text.major = major
        #expect(throws: TorchExportError.version("\(major).20")) { try text.program() }
        #expect(TorchExportError.version("\(major).20").description.contains("save it again"))
    }

    @Test("a model that was exported while it trains is refused with what to do")
    func trainingIsRefused() throws {
        var text = ProgramText()
        text.input("x", [2, 3])
        text.node(
            "aten.dropout.default",
            [("input", ProgramText.tensor("x")), ("p", ["as_float": .number(0.5)]), ("train", ["as_bool": true])], ["y"]
        )
        text.output("y")
        #expect(try problems(text).first?.reason.contains("model.eval()") == true)
    }

    @Test(
        "statistics of one image are its own, as weights are standardised; those of training are refused",
        arguments: ["aten.batch_norm.default", "aten.native_batch_norm.default"])
    func standardised(target: String) throws {
        func text(_ shape: [JSONValue], mean: JSONValue) -> ProgramText {
            var text = ProgramText()
            text.input("x", shape)
            text.input("m", [2])
            text.node(
                target,
                [
                    ("input", ProgramText.tensor("x")), ("weight", ["as_none": true]), ("bias", ["as_none": true]),
                    ("running_mean", mean), ("running_var", mean), ("training", ["as_bool": true]),
                    ("momentum", ["as_float": .number(0)]), ("eps", ["as_float": .number(0)]),
                ], ["y"])
            text.output("y")
            return text
        }
        let none: JSONValue = ["as_none": true]
        let graph = try text([1, 2, 3], mean: none).program().graph()
        let x = Tensor([1, 2, 3, 10, 10, 40], shape: [1, 2, 3])
        let (third, half) = (Float(1.5).squareRoot(), Float(0.5).squareRoot())
        let expected: [Float] = [-third, 0, third, -half, -half, 2 * half]
        let answer = try graph.evaluate([x, Tensor([Float](repeating: 0, count: 2), shape: [2])])[0].floats()
        expectClose(answer, expected, .elementwise)
        for refused in [text([2, 2, 3], mean: none), text([1, 2, 3], mean: ProgramText.tensor("m"))] {
            #expect(try problems(refused).first?.reason.contains("model.eval()") == true)
        }
    }

    @Test("an AOTInductor package is refused by name")
    func compiledPackagesAreRefused() throws {
        let error = #expect(throws: TorchExportError.self) {
            try TorchProgram(path: goldensFolder() + "/compiled.pt2")
        }
        #expect(error?.description.contains("AOTInductor") == true)
    }

    @Test("more nodes than the limit, and a name that is longer")
    func limitsHold() throws {
        var text = unary("aten.relu.default")
        var limits = TorchExportLimits()
        limits.maxNodes = 3
        for _ in 0..<3 { text.node("aten.relu.default", [("self", ProgramText.tensor("x"))], []) }
        #expect(throws: TorchExportError.limit(what: "nodes", limit: 3)) { try text.program(limits: limits) }
        limits.maxNameBytes = 10
        #expect(throws: TorchExportError.limit(what: "bytes of a name", limit: 10)) { try text.program(limits: limits) }
        #expect(throws: TorchExportError.self) {
            var huge = unary("aten.repeat.default", [("repeats", ["as_ints": [1_048_576, 1_048_576]])])
            huge.output("y")
            _ = try huge.program().graph()
        }
    }

    @Test("a whole number at the end of 64 bits stays exact: the end of a slice")
    func largestIntegersAreExact() throws {
        let text = unary(
            "aten.slice.Tensor",
            [("dim", ["as_int": 1]), ("start", ["as_int": 1]), ("end", ["as_int": .integer(.max)])])
        let graph = try text.program().graph()
        #expect(graph.fact(graph.outputs[0]).shape == [2, 2])
    }
}

extension String {
    /// The dictionary within the text of a spec: what stands behind "[1,".
    fileprivate var dictionary: String { String(dropFirst(3).dropLast()) }
}
