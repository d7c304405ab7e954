// SPDX-License-Identifier: MIT

import Graphs
import JSON
import Operators
import Tensors
import TestSupport
import Testing

@testable import TorchExport

@Suite("programs that lie")
struct HostileProgramTests {
    /// A small program with an argument of each form.
    private func sample() -> ProgramText {
        var text = ProgramText()
        text.weight("conv", Tensor([Float](repeating: 0.5, count: 2 * 3 * 9), shape: [2, 3, 3, 3]))
        text.input("x", ["s0", 3, 4, 4])
        text.node(
            "aten.conv2d.default",
            [
                ("input", ProgramText.tensor("x")), ("weight", ProgramText.tensor("p_conv")),
                ("bias", ["as_none": true]),
                ("stride", ["as_ints": [1, 1]]), ("padding", ["as_ints": [1, 1]]), ("groups", ["as_int": 1]),
            ], ["a"])
        text.node("aten.relu_.default", [("self", ProgramText.tensor("a"))], ["b"])
        text.node(
            "aten.sym_size.int", [("self", ProgramText.tensor("x")), ("dim", ["as_int": 0])], [], name: "size")
        text.node(
            "aten.cat.default",
            [("tensors", ["as_tensors": [["name": "b"], ["name": "b"]]]), ("dim", ["as_int": 1])], ["c"])
        text.node(
            "aten.to.dtype", [("self", ProgramText.tensor("c")), ("dtype", ["as_scalar_type": 7])], ["d"])
        text.node(
            "aten.leaky_relu.default",
            [("self", ProgramText.tensor("d")), ("negative_slope", ["as_float": .number(0.5)])], ["e"]
        )
        text.output("e")
        return text
    }

    @Test("the sample itself runs")
    func sampleRuns() throws {
        var text = sample()
        // sym_size gives a number, which the builder of nodes does not make.
        _ = text.document
        text.output("c")
        let graph = try text.program().graph()
        #expect(graph.outputs.count == 2)
    }

    /// Every value of the text is replaced by every kind of value: an error with a message, or a graph that checks.
    @Test("every field with every kind of value")
    func everyFieldLies() throws {
        let document = sample().document
        let lies: [JSONValue] = [
            nil, true, -1, .integer(1 << 62), .number(0.5), .number(1e300), "", "x", "Infinity", [], [:], [1, 2, 3],
            [[[]]],
            ["as_int": 5], ["as_tensor": ["name": "zzz"]], ["as_ints": [-1, 99_999_999_999]], ["name": "c"],
        ]
        var count = 0
        for path in paths(document) {
            for lie in lies {
                try survive(replacing(document, path[...], by: lie))
                count += 1
            }
            try survive(removing(document, path[...]))
        }
        #expect(count > 1000)
    }

    @Test("every text that is cut off")
    func truncated() throws {
        let bytes = Array(sample().document.text.utf8)
        for length in stride(from: 0, to: bytes.count, by: 7) {
            #expect(throws: TorchExportError.self) {
                try TorchProgram(text: Array(bytes[..<length]), weights: [:])
            }
        }
    }

    private func survive(_ document: JSONValue) throws {
        var limits = TorchExportLimits()
        limits.maxElements = 1 << 20
        limits.maxFoldedBytes = 1 << 22
        limits.maxFoldedWork = 1 << 22
        do {
            let program = try TorchProgram(
                text: Array(document.text.utf8), weights: sample().weights, limits: limits)
            var options = TorchExportOptions()
            options.size = (height: 5, width: 6)
            let report = program.report(options)
            #expect(report.operators.allSatisfy { $0.count > 0 })
            try program.graph(options).check()
        } catch {
            #expect(!"\(error)".isEmpty)
        }
    }

    // MARK: Places in a document

    private enum Step {
        case member(Int)
        case item(Int)
    }

    private func paths(_ value: JSONValue) -> [[Step]] {
        switch value {
        case .object(let members):
            [[]] + members.enumerated().flatMap { index, member in paths(member.value).map { [.member(index)] + $0 } }
        case .array(let items):
            [[]] + items.enumerated().flatMap { index, item in paths(item).map { [.item(index)] + $0 } }
        default: [[]]
        }
    }

    private func replacing(_ value: JSONValue, _ path: ArraySlice<Step>, by lie: JSONValue?) -> JSONValue {
        switch (path.first, value) {
        case (.member(let index)?, .object(var members)):
            if path.count == 1, lie == nil {
                members.remove(at: index)
            } else {
                members[index].value = replacing(members[index].value, path.dropFirst(), by: lie)
            }
            return .object(members)
        case (.item(let index)?, .array(var items)):
            if path.count == 1, lie == nil {
                items.remove(at: index)
            } else {
                items[index] = replacing(items[index], path.dropFirst(), by: lie)
            }
            return .array(items)
        default: return lie ?? .null
        }
    }

    private func removing(_ value: JSONValue, _ path: ArraySlice<Step>) -> JSONValue {
        replacing(value, path, by: JSONValue?.none)
    }
}
