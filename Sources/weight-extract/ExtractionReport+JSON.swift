// SPDX-License-Identifier: MIT

import Checkpoints
import Tensors

extension ExtractionReport {
    /// The report for a program.
    var json: JSONValue {
        .object([
            JSONValue.Member("input", inputJSON),
            JSONValue.Member("output", outputJSON),
            JSONValue.Member("architecture", architecture.map { .string($0.name) } ?? .null),
            JSONValue.Member("weights", weightsJSON),
            JSONValue.Member("bytes", bytesJSON),
            JSONValue.Member("facts", .object(summary.facts.map { JSONValue.Member($0.name, .string($0.value)) })),
            JSONValue.Member(
                "unsupported",
                .array(
                    summary.unsupported.map { item in
                        Self.object([
                            ("name", .string(item.name)), ("reason", .string(item.reason)), ("bytes", .int(item.bytes)),
                        ])
                    })),
            JSONValue.Member(
                "unusualValues",
                .array(
                    (written?.statistics ?? []).map { name, counts in
                        Self.object([
                            ("name", .string(name)), ("nan", .int(counts.nanCount)),
                            ("infinite", .int(counts.infiniteCount)),
                            ("denormal", .int(counts.denormalCount)), ("overflow", .int(counts.overflowCount)),
                        ])
                    })),
            JSONValue.Member(
                "foreignGlobals",
                .array(
                    summary.foreignGlobals.map {
                        Self.object([("name", .string($0.name)), ("rating", .string($0.rating.rawValue))])
                    })),
        ])
    }

    private static func object(_ members: [(String, JSONValue)]) -> JSONValue {
        .object(members.map { JSONValue.Member($0.0, $0.1) })
    }

    private static func strings(_ items: [String]) -> JSONValue { .array(items.map { .string($0) }) }

    private var inputJSON: JSONValue {
        Self.object([
            ("path", .string(input)), ("bytes", .int(summary.fileBytes)), ("format", .string(summary.format.rawValue)),
            ("wrappers", Self.strings(summary.wrappers)), ("otherEntries", Self.strings(summary.otherEntries)),
            ("candidates", Self.strings(summary.candidates)),
        ])
    }

    private var outputJSON: JSONValue {
        guard let written, let outputPath, let outputFormat else { return .null }
        return Self.object([
            ("path", .string(outputPath)), ("bytes", .int(written.fileBytes)),
            ("format", .string(outputFormat.rawValue)),
            ("tensorBytes", .int(written.tensorBytes)), ("floatType", floatType.map { .string($0.rawValue) } ?? .null),
            ("verified", .bool(isVerified)),
        ])
    }

    private var weightsJSON: JSONValue {
        Self.object([
            ("path", .string(summary.weightsPath)), ("tensors", .int(contents.weights.count)),
            ("parameters", .int(parameterCount)), ("removedPrefixes", Self.strings(summary.removedPrefixes)),
            ("otherItems", Self.strings(summary.otherItems)),
            (
                "aliases",
                .array(summary.aliases.map { Self.object([("name", .string($0.name)), ("of", .string($0.of))]) })
            ),
        ])
    }

    /// The parts, and their sum: the size of the input.
    private var bytesJSON: JSONValue {
        Self.object(
            bytesByPart.map { ($0.part, .int($0.bytes)) } + [("total", .int(bytesByPart.reduce(0) { $0 + $1.bytes }))])
    }
}
