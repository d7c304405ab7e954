// SPDX-License-Identifier: MIT

import ArgumentParser
import CommandSupport
import Inference
import JSON
import SystemCalls
import Text

/// `swiftnet models`: lists the repository.
struct ModelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "models", _superCommandName: SwiftNetCommand.name,
        abstract: "List the models of the repository: versions, architecture, input, accuracy, size.",
        discussion: """
            EXAMPLES
              swiftnet models
              swiftnet models --json | jq -r .name
              swiftnet models --weights ~/models
            """)

    @Option(
        help: ArgumentHelp(
            "A model repository. Default: $SWIFTNET_WEIGHTS, share/swiftnet beside the program, or the package's own "
                + "Weights.", valueName: "dir"),
        completion: .directory)
    var weights: String?

    @Flag(help: "Print one line of JSON per version.")
    var json = false

    func run() throws {
        try Failure.reporting {
            let repository = try weights.map { try ModelRepository(path: $0) } ?? ModelRepository.standard()
            let names = try repository.modelNames()
            var failed = false
            var rows = [["MODEL", "VERSION", "ARCHITECTURE", "INPUT", "ACCURACY", "SIZE", "DESCRIPTION"]]
            for name in names {
                do {
                    let description = try repository.description(of: name)
                    for version in description.versionNumbers.reversed() {
                        let entry = try repository.entry(name, version: version)
                        if json { try writeStandardOutput(line(entry) + "\n") } else { rows.append(row(entry)) }
                    }
                } catch {
                    failed = true
                    writeStandardError("swiftnet: \(Failure.line(error))\(Failure.hint(error))\n")
                }
            }
            if !json, !names.isEmpty { try writeStandardOutput(Table(rows).description) }
            if names.isEmpty {
                writeStandardError("swiftnet: this repository has no model; 'swiftnet add NAME FILE' adds one\n")
            }
            if failed { throw Failure.someFailed }
        }
    }

    private func row(_ entry: ModelRepository.Entry) -> [String] {
        let details = entry.description.versions[String(entry.version)]
        let accuracy = details?.testAccuracy.map { "\((($0 * 10000).rounded()) / 100) %" } ?? "-"
        let size = (try? FileSystem.size(of: entry.path)).map(ByteCount.text) ?? "missing"
        return [
            entry.description.name, String(entry.version), entry.description.architecture,
            entry.description.input.shown, accuracy, size,
            Printable.line(entry.description.description ?? ""),
        ]
    }

    private func line(_ entry: ModelRepository.Entry) -> String {
        let input = entry.description.input
        let details = entry.description.versions[String(entry.version)]
        return JSONValue.object(
            [
                ("model", .string(entry.description.name)),
                ("version", .integer(entry.version)),
                ("architecture", .string(entry.description.architecture)),
                ("input", input.json),
                ("labels", .array(entry.description.labels.map { .string($0) })),
                ("testAccuracy", details?.testAccuracy.map { .number($0) } ?? .null),
                ("bytes", (try? FileSystem.size(of: entry.path)).map { .integer($0) } ?? .null),
                ("path", .string(entry.path)),
            ] as [(String, JSONValue)]
        ).text
    }
}
