// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Runtime
import Tensors
import TestSupport
import Testing
import TorchExport

@Suite("programs of torch.export give PyTorch's answers")
struct ProgramGoldenTests {
    @Test("by the operators' references", arguments: try Golden.all(), ["", "-decomposed"])
    func referencesAgree(golden: Golden, form: String) throws {
        let graph = try read(golden, form)
        try graph.check()
        let outputs = try graph.evaluate(inputs(golden, graph))
        try compare(outputs.map { try $0.converted(to: .float32).floats() }, golden, graph, form)
    }

    @Test("by plans", arguments: try Golden.all(), ["", "-decomposed"])
    func plansAgree(golden: Golden, form: String) throws {
        let graph = try read(golden, form)
        guard !graph.nodes.isEmpty else { return }
        let outputs = try Session(Plan(graph)).run(inputs: inputs(golden, graph))
        try compare(outputs.map { try $0.converted(to: .float32).floats() }, golden, graph, form)
    }

    private func read(_ golden: Golden, _ form: String) throws -> Graph {
        let program = try TorchProgram(path: goldensFolder() + "/" + golden.name + form + ".pt2")
        var options = TorchExportOptions()
        let shape = try golden.tensor("input0").shape
        options.batch = shape[0]
        // Sizes that a program has fixed can't be asked for.
        if golden.name == "sizes" { options.size = (height: shape[2], width: shape[3]) }
        return try program.graph(options)
    }

    @Test("a dictionary's keys name its values, as PyTorch writes them", arguments: ["", "-decomposed"])
    func keysNameOutputs(form: String) throws {
        let program = try TorchProgram(path: goldensFolder() + "/shared\(form).pt2")
        #expect(program.report().outputs.map(\.name) == ["rows", "image"])
    }

    private func inputs(_ golden: Golden, _ graph: Graph) throws -> [Tensor] {
        try graph.inputs.enumerated().map { index, id in
            let values = try golden.tensor("input\(index)")
            #expect(graph.fact(id).shape.dimensions == values.shape)
            return Tensor(values.values, shape: Shape(values.shape))
        }
    }

    private func compare(_ outputs: [[Float]], _ golden: Golden, _ graph: Graph, _ form: String) throws {
        let count = try golden.numbers("outputs")[0]
        try #require(outputs.count == count)
        let tolerance: Tolerance = golden.name == "half" ? .halfPrecision : .accumulated
        for (index, output) in outputs.enumerated() {
            let expected = try golden.tensor("output\(index)")
            #expect(
                graph.fact(graph.outputs[index]).shape.dimensions == expected.shape, "\(golden.name)\(form) \(index)")
            expectClose(output, expected.values, tolerance, "\(golden.name)\(form), output \(index)")
        }
    }
}
