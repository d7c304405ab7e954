// SPDX-License-Identifier: MIT

import ArgumentParser
import CommandSupport
import JSON
import ONNX
import SwiftNet
import SystemCalls

extension InspectCommand {
    /// Whether a file is an ONNX model: by its name, or by the version with which such a file begins.
    static func isONNX(_ path: String) throws -> Bool {
        if path.hasSuffix(".onnx") { return true }
        let file = try MappedFile(path: path)
        return file.bytes.count > 2 && file.bytes[0] == 0x08 && file.bytes[1] < 0x80 && file.bytes[2] == 0x12
    }

    /// Prints what an ONNX model is, and all that would not run.
    ///
    /// - Throws: `ExitCode` 65 if something would not run.
    func inspectONNX() throws {
        let model = try ONNXModel(path: file)
        var options = ONNXImportOptions()
        options.size = try size.map(GraphModelFlags.size)
        let report = model.report(options)
        try writeStandardOutput(json ? InspectCommand.json(report) + "\n" : InspectCommand.text(report))
        if report.fault != nil || !report.problems.isEmpty { throw Failure.badData }
    }

    private static func text(_ report: ONNXReport) -> String {
        var lines = [
            "format: ONNX, version \(report.irVersion)",
            "producer: \(report.producer.isEmpty ? "not named" : report.producer)",
            "operators' versions: " + report.opsets.map { "\($0.domain) \($0.version)" }.joined(separator: ", "),
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

    private static func json(_ report: ONNXReport) -> String {
        func values(_ values: [ONNXReport.Value]) -> JSONValue {
            .array(values.map { .object([("name", .string($0.name)), ("type", .string($0.type))]) })
        }
        var members: [(String, JSONValue)] = [
            ("format", .string("onnx")), ("version", .integer(report.irVersion)),
            ("producer", .string(report.producer)),
            ("opsets", .object(report.opsets.map { ($0.domain, .integer($0.version)) })),
            ("inputs", values(report.inputs)), ("outputs", values(report.outputs)),
            ("parameters", .integer(report.parameterCount)),
            ("multiply_adds", report.multiplyAdds.map { .integer($0) } ?? .null),
            ("operators", .object(report.operators.map { ($0.name, .integer($0.count)) })),
        ]
        members.append(
            (
                "problems",
                .array(
                    report.problems.map {
                        .object([
                            ("node", .string($0.node)), ("operator", .string($0.op)), ("reason", .string($0.reason)),
                        ])
                    })
            ))
        members.append(("fault", report.fault.map { .string($0) } ?? .null))
        return JSONValue.object(members).text
    }
}
