// SPDX-License-Identifier: MIT

import ArgumentParser
import Checkpoints
import CommandSupport
import Graphs
import JSON
import ONNX
import SwiftNet
import SystemCalls
import TorchExport

extension InspectCommand {
    /// What a file that holds a network is, and all that would not run; nil if it holds none.
    func networkReport() throws -> NetworkReport? {
        let size = try size.map { try GraphModelFlags.size($0) }
        if try Self.isONNX(file) {
            var options = ONNXImportOptions()
            options.size = size
            return try ONNXModel(path: file).report(options)
        }
        guard ExportArchive.isProgram(path: file) else { return nil }
        var options = TorchExportOptions()
        options.size = size
        return try TorchProgram(path: file).report(options)
    }

    /// Prints a report.
    ///
    /// - Throws: `ExitCode` 65 if something would not run.
    func show(_ report: NetworkReport) throws {
        try writeStandardOutput(json ? Self.json(report) + "\n" : Self.text(report))
        if report.fault != nil || !report.problems.isEmpty { throw Failure.badData }
    }

    /// Whether a file is an ONNX model: by its name, or by the version with which such a file begins.
    private static func isONNX(_ path: String) throws -> Bool {
        if path.hasSuffix(".onnx") { return true }
        let file = try MappedFile(path: path)
        return file.bytes.count > 2 && file.bytes[0] == 0x08 && file.bytes[1] < 0x80 && file.bytes[2] == 0x12
    }

    private static func text(_ report: NetworkReport) -> String {
        var lines = [
            "format: \(report.format), version \(report.version)",
            "producer: \(report.producer.isEmpty ? "not named" : report.producer)",
        ]
        if !report.opsets.isEmpty {
            lines.append(
                "operators' versions: " + report.opsets.map { "\($0.domain) \($0.version)" }.joined(separator: ", "))
        }
        lines += report.inputs.map { "input: \($0.name) \($0.type)" }
        lines += report.outputs.map { "output: \($0.name) \($0.type)" }
        lines.append("parameters: \(report.parameterCount)")
        if let count = report.multiplyAdds { lines.append("multiply-adds: \(count)") }
        lines.append("operators: " + report.operators.map { "\($0.name) \($0.count)" }.joined(separator: ", "))
        if let fault = report.fault { lines.append("can't be read further: \(fault)") }
        if !report.problems.isEmpty { lines.append("would not run:") }
        lines += report.problems.map { "  \($0)" }
        if report.fault == nil && report.problems.isEmpty { lines.append("every operator is known") }
        if report.inputs.count > 1 {
            let isServed = report.inputs.allSatisfy { Self.isBatch($0.type) }
            lines.append(
                "it takes \(report.inputs.count) inputs: the library runs it, "
                    + (isServed
                        ? "and the server by its v2 protocol; no pictures"
                        : "no server does: each would have to be f32 [1, ...], the batch first"))
        }
        return lines.map { Printable.line($0) + "\n" }.joined()
    }

    /// Whether a type is Float32 with a batch of one in front, or one that is free: "f32 [n, 3, 8, 8]".
    private static func isBatch(_ type: String) -> Bool {
        guard type.hasPrefix("f32 ["), let first = type.dropFirst(5).split(whereSeparator: { ",]".contains($0) }).first
        else { return false }
        return Int(first).map { $0 == 1 } ?? true
    }

    private static func json(_ report: NetworkReport) -> String {
        func values(_ values: [NetworkReport.Value]) -> JSONValue {
            .array(values.map { .object([("name", .string($0.name)), ("type", .string($0.type))]) })
        }
        let problems = report.problems.map { problem in
            JSONValue.object([
                ("node", .string(problem.node)), ("operator", .string(problem.op)),
                ("module", .string(problem.module)), ("reason", .string(problem.reason)),
            ])
        }
        var members: [(String, JSONValue)] = [
            ("format", .string(report.format == "ONNX" ? "onnx" : report.format)),
            ("version", Int(report.version).map { .integer($0) } ?? .string(report.version)),
            ("producer", .string(report.producer)),
        ]
        if !report.opsets.isEmpty {
            members.append(("opsets", .object(report.opsets.map { ($0.domain, .integer($0.version)) })))
        }
        members += [
            ("inputs", values(report.inputs)), ("outputs", values(report.outputs)),
            ("parameters", .integer(report.parameterCount)),
            ("multiply_adds", report.multiplyAdds.map { .integer($0) } ?? .null),
            ("operators", .object(report.operators.map { ($0.name, .integer($0.count)) })),
            ("problems", .array(problems)), ("fault", report.fault.map { .string($0) } ?? .null),
        ]
        return JSONValue.object(members).text
    }
}
