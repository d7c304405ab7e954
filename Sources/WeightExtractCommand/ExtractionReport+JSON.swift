// SPDX-License-Identifier: MIT

import Checkpoints
import JSON
import SystemCalls
import Tensors

extension ExtractionReport {
    /// The report for a program.
    var json: JSONValue {
        .object([
            JSONValue.Member("input", inputJSON),
            JSONValue.Member("output", outputJSON),
            JSONValue.Member("architecture", recognised.map { .string($0.architecture.name) } ?? .null),
            JSONValue.Member("installed", installedJSON),
            JSONValue.Member("weights", weightsJSON),
            JSONValue.Member("bytes", bytesJSON),
            JSONValue.Member("checksums", checksumsJSON),
            JSONValue.Member("facts", .object(summary.facts.map { JSONValue.Member($0.name, .string($0.value)) })),
            JSONValue.Member("classNames", .array(summary.classNames.map { .string($0) })),
            JSONValue.Member(
                "unsupported",
                .array(
                    summary.unsupported.map { item in
                        JSONValue.object([
                            ("name", .string(item.name)), ("reason", .string(item.reason)),
                            ("bytes", .integer(item.bytes)),
                        ])
                    })),
            JSONValue.Member(
                "unusualValues",
                .array(
                    (written?.statistics ?? []).map { name, counts in
                        JSONValue.object([
                            ("name", .string(name)), ("nan", .integer(counts.nanCount)),
                            ("infinite", .integer(counts.infiniteCount)),
                            ("denormal", .integer(counts.denormalCount)), ("overflow", .integer(counts.overflowCount)),
                        ])
                    })),
            JSONValue.Member(
                "foreignGlobals",
                .array(
                    summary.foreignGlobals.map {
                        JSONValue.object([("name", .string($0.name)), ("rating", .string($0.rating.rawValue))])
                    })),
        ])
    }

    private static func strings(_ items: [String]) -> JSONValue { .array(items.map { .string($0) }) }

    private var inputJSON: JSONValue {
        JSONValue.object([
            ("path", .string(PathText.shown(input))), ("bytes", .integer(summary.fileBytes)),
            ("format", .string(summary.format.rawValue)),
            ("wrappers", Self.strings(summary.wrappers)), ("otherEntries", Self.strings(summary.otherEntries)),
            ("notes", Self.strings(notes)), ("passedOver", Self.strings(summary.passedOver)),
            ("candidates", Self.strings(summary.candidates)),
        ])
    }

    private var installedJSON: JSONValue {
        guard let installed else { return .null }
        return ["model": .string(installed.model), "version": .integer(installed.version)]
    }

    private var outputJSON: JSONValue {
        guard let written, let outputPath, let outputFormat else { return .null }
        return JSONValue.object([
            ("path", .string(PathText.shown(outputPath))), ("bytes", .integer(written.fileBytes)),
            ("format", .string(outputFormat.rawValue)),
            ("tensorBytes", .integer(written.tensorBytes)),
            ("floatType", floatType.map { .string($0.rawValue) } ?? .null),
            ("verified", .bool(isVerified)),
        ])
    }

    private var weightsJSON: JSONValue {
        JSONValue.object([
            ("path", .string(summary.weightsPath)), ("partial", .bool(isPartial)),
            ("tensors", .integer(contents.weights.count)),
            ("parameters", .integer(parameterCount)), ("removedPrefixes", Self.strings(summary.removedPrefixes)),
            ("otherItems", Self.strings(summary.otherItems)),
            (
                "aliases",
                .array(summary.aliases.map { JSONValue.object([("name", .string($0.name)), ("of", .string($0.of))]) })
            ),
        ])
    }

    private var checksumsJSON: JSONValue {
        JSONValue.object([
            ("weights", .string(checksums.weights.rawValue)), ("dropped", .string(checksums.dropped.rawValue)),
            ("droppedBytes", .integer(checksums.droppedBytes)),
        ])
    }

    /// The parts, and their sum: the size of the input.
    private var bytesJSON: JSONValue {
        JSONValue.object(
            bytesByPart.map { ($0.part, .integer($0.bytes)) } + [
                ("total", .integer(bytesByPart.reduce(0) { $0 + $1.bytes }))
            ])
    }
}
