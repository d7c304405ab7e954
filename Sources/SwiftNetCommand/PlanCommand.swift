// SPDX-License-Identifier: MIT

import ArgumentParser
import CommandSupport
import Graphs
import Inference
import SwiftNet
import SystemCalls
import Text

/// `swiftnet plan`: how a network will run.
struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", _superCommandName: SwiftNetCommand.name,
        abstract: "Show how a network will run: its steps, their algorithms, its memory.",
        discussion: """
            EXAMPLES
              swiftnet plan --model rotation
              swiftnet plan --weights model.onnx --size 224x224 --explain
              swiftnet plan --model mnist --passes
              swiftnet plan --model mnist --algorithm 'conv2=implicit gemm'
            """)

    @OptionGroup var modelOptions: ModelOptions
    @OptionGroup var precisionOptions: PrecisionOptions

    @Flag(help: "Print the graph as it came, and after each pass.")
    var passes = false

    @Flag(help: "For each convolution and linear layer, print the algorithms that suit it, with their estimates.")
    var explain = false

    @Option(
        help: ArgumentHelp(
            "Do a convolution or a linear layer by an algorithm that is not the cheapest. May be given several times.",
            valueName: "node=algorithm"))
    var algorithm: [String] = []

    func run() throws {
        try Failure.reporting {
            var algorithms: [String: String] = [:]
            for text in algorithm {
                let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
                guard parts.count == 2 else {
                    throw ValidationError(
                        "--algorithm takes node=algorithm, as in conv1='implicit gemm', not '\(text)'.")
                }
                algorithms[parts[0]] = parts[1]
            }
            let graph = try graph()
            if passes { try writeStandardOutput("# as it came\n\(Printable.lines(graph.description))\n") }
            let observer: ((any Pass, Graph) -> Void)? = passes ? { pass, graph in show(pass, graph) } : nil
            let plan = try Plan(graph, algorithms: algorithms, observe: observer)
            try writeStandardOutput(report(plan))
        }
    }

    private func show(_ pass: any Pass, _ graph: Graph) {
        try? writeStandardOutput("\n# after \(pass.name)\n\(Printable.lines(graph.description))\n")
    }

    private func estimate(_ candidate: StepSummary.Candidate) -> String {
        let nanoseconds = candidate.nanoseconds
        return nanoseconds < 1000 ? "\(Int(nanoseconds.rounded())) ns" : "\((nanoseconds / 100).rounded() / 10) us"
    }

    /// The network's graph; that of a file need not take pictures.
    private func graph() throws -> Graph {
        let source = try modelOptions.source(precision: precisionOptions.precision)
        if source.isFile, source.options.labels == nil, let file = GraphFile(recognising: source.path) {
            return try Failure.about(source.path) {
                try file.read(size: source.input.map(\.size) ?? source.options.size).graph
            }
        }
        return try modelOptions.load(source).readGraph()
    }

    private func report(_ plan: Plan) -> String {
        var rows = [["step", "operation", "shape", "algorithm", "weights", "because"]]
        for step in plan.summaries {
            rows.append([
                Printable.line(step.name), step.operation, "\(step.inputShape) > \(step.outputShape)",
                step.algorithm,
                step.weightBytes > 0 ? ByteCount.text(step.weightBytes) : "", step.reason,
            ])
            guard explain else { continue }
            for candidate in step.candidates {
                let name = candidate.node == step.name ? "" : "  " + Printable.line(candidate.node)
                rows.append([name, "", "", "  \(candidate.algorithm)", "", "estimate \(estimate(candidate))"])
            }
        }
        let ports = { (ports: [Plan.Port]) in
            ports.map { "\(Printable.line($0.name)) \($0.elementType.rawValue) \($0.shape)" }.joined(separator: ", ")
        }
        let usesIntegers = plan.summaries.contains { $0.operation.contains("int8") || $0.algorithm.contains("int8") }
        let references = plan.summaries.filter { $0.algorithm == "reference" }
        let slow =
            references.isEmpty
            ? ""
            : "\(references.count) steps run by slow references: \(Set(references.map(\.operation)).sorted().joined(separator: ", "))\n"
        return """
            \(Table(rows))
            input    \(ports(plan.inputs))
            output   \(ports(plan.outputs))
            kernels  \(plan.kernels.name)\(usesIntegers ? ", \(plan.kernels.int8.name) for int8" : "")
            work     \((Double(plan.multiplyAdds) / 1e5).rounded() / 10) M multiply-adds
            memory   \(ByteCount.text(plan.weights.bytes.count)) prepared weights, \(ByteCount.text(plan.activationBytes)) activations and scratch for a session of one thread
            plan     \(plan.fingerprint)
            \(slow)
            """
    }
}
