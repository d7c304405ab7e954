// SPDX-License-Identifier: MIT

import ArgumentParser
import CommandSupport
import JSON
import SwiftNet
import SystemCalls
import TorchExport

extension InspectCommand {
    /// Prints what a program of `torch.export` is, and all that would not run.
    ///
    /// - Throws: `ExitCode` 65 if something would not run.
    func inspectProgram() throws {
        let program = try TorchProgram(path: file)
        var options = TorchExportOptions()
        options.size = try size.map(GraphModelFlags.size)
        let report = program.report(options)
        try writeStandardOutput(json ? InspectCommand.json(report) + "\n" : InspectCommand.text(report))
        if report.fault != nil || !report.problems.isEmpty { throw Failure.badData }
    }

    private static func text(_ report: TorchExportReport) -> String {
        var lines = [
            "format: torch.export, version \(report.schemaVersion)",
            "producer: PyTorch \(report.torchVersion)",
        ]
        lines += report.inputs.map { "input: \($0.name) \($0.type)" }
        lines += report.outputs.map { "output: \($0.name) \($0.type)" }
        lines.append("parameters: \(report.parameterCount)")
        if let count = report.multiplyAdds { lines.append("multiply-adds: \(count)") }
        lines.append("operators: " + report.operators.map { "\($0.name) \($0.count)" }.joined(separator: ", "))
        if let fault = report.fault { lines.append("can't be read further: \(fault)") }
        if !report.problems.isEmpty { lines.append("would not run:") }
        lines += report.problems.map { "  \($0)" }
        if report.fault == nil && report.problems.isEmpty { lines.append("every operator is known") }
        return lines.map { Printable.line($0) + "\n" }.joined()
    }

    private static func json(_ report: TorchExportReport) -> String {
        func values(_ values: [TorchExportReport.Value]) -> JSONValue {
            .array(values.map { .object([("name", .string($0.name)), ("type", .string($0.type))]) })
        }
        let problems = report.problems.map { problem in
            JSONValue.object([
                ("node", .string(problem.node)), ("operator", .string(problem.op)),
                ("module", .string(problem.module)), ("reason", .string(problem.reason)),
            ])
        }
        let members: [(String, JSONValue)] = [
            ("format", .string("torch.export")), ("version", .string(report.schemaVersion)),
            ("producer", .string("PyTorch \(report.torchVersion)")),
            ("inputs", values(report.inputs)), ("outputs", values(report.outputs)),
            ("parameters", .integer(report.parameterCount)),
            ("multiply_adds", report.multiplyAdds.map { .integer($0) } ?? .null),
            ("operators", .object(report.operators.map { ($0.name, .integer($0.count)) })),
            ("problems", .array(problems)), ("fault", report.fault.map { .string($0) } ?? .null),
        ]
        return JSONValue.object(members).text
    }
}
