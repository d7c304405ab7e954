// SPDX-License-Identifier: MIT

import Checkpoints
import CommandSupport
import JSON
import Models
import SystemCalls

/// Why weights cannot be placed where they should go.
enum InstallationError: Error, CustomStringConvertible {
    case noModel(String, repository: String)
    case invalidDescription(String, reason: String)
    case otherArchitecture(model: String, expected: String, found: String)
    case wouldReplaceInput(String)
    /// The report and the weights are to be written to the same file.
    case onePlaceForTwo(String)
    /// The output that was not named cannot be written.
    case defaultPlace(OutputError)

    var description: String {
        switch self {
        case .noModel(let model, let repository):
            "there is no model '\(model)' in '\(repository)': '\(repository)/\(model)/model.json' is missing"
        case .invalidDescription(let path, let reason): "\(path): \(reason)"
        case .otherArchitecture(let model, let expected, let found):
            "model '\(model)' is of the architecture \(expected), these weights are of \(found)"
        case .wouldReplaceInput(let path): "'\(path)' is the input itself; choose another place for what is written"
        case .onePlaceForTwo(let path): "'\(path)' can't hold both the weights and the report; name two files"
        case .defaultPlace(let error): "\(error) (that is where the weights go unless --output names another place)"
        }
    }
}

/// The place of the next version in the model repository: `<model>/<version>/model.pth`, noted in `<model>/model.json`.
struct Installation {
    private let descriptionPath: String
    private let description: JSONValue
    private let folder: String
    let version: Int

    /// Where the weights go.
    var path: String { folder + "/model.pth" }

    /// Reads the model's description.
    ///
    /// - Throws: ``InstallationError``.
    init(model: String, repository: String, architecture: Architecture?) throws {
        guard !model.isEmpty, !model.contains("/"), !model.hasPrefix(".") else {
            throw InstallationError.noModel(model, repository: repository)
        }
        descriptionPath = "\(repository)/\(model)/model.json"
        guard (try? FileSystem.kind(of: descriptionPath)) == .file else {
            throw InstallationError.noModel(model, repository: repository)
        }
        let bytes = try FileDescriptor.open(descriptionPath, FileDescriptor.readOnly).readAll(limit: 1 << 20)
        do {
            description = try JSONValue(parsing: bytes)
        } catch {
            throw InstallationError.invalidDescription(descriptionPath, reason: error.description)
        }
        let expected = description["architecture"]?.string ?? "?"
        guard let architecture, architecture.name == expected else {
            throw InstallationError.otherArchitecture(
                model: model, expected: expected, found: architecture?.name ?? "no architecture that is known")
        }
        guard let versions = description["versions"]?.members else {
            throw InstallationError.invalidDescription(descriptionPath, reason: "'versions' is missing")
        }
        version = (versions.compactMap { Int($0.name) }.max() ?? 0) + 1
        folder = "\(repository)/\(model)/\(version)"
    }

    /// Makes the version's folder.
    func prepare() throws { try FileSystem.makeFolder(folder) }

    /// Takes the version away again: it failed.
    func abandon() {
        try? FileSystem.removeFile(path)
        try? FileSystem.removeFolder(folder)
    }

    /// Adds the version to the model's description, which is replaced as a whole, with the epoch and the accuracy that the
    /// checkpoint states.
    func record(_ report: ExtractionReport) throws {
        let file = try MappedFile(path: path)
        let name = report.input.split(separator: "/").last.map { String($0) } ?? report.input
        var entry = [
            JSONValue.Member("file", .string("model.pth")),
            JSONValue.Member("sha256", .string(SHA256.hexadecimal(of: file.bytes))),
            JSONValue.Member("bytes", .integer(report.outputBytes)),
        ]
        if let epoch = report.summary.epoch { entry.append(JSONValue.Member("epoch", .integer(epoch))) }
        if let accuracy = report.summary.accuracy {
            let stated = Printable.line("\(accuracy.name) = \(accuracy.text)")
            entry += [
                JSONValue.Member("testAccuracy", .number((accuracy.share * 1e6).rounded() / 1e6)),
                JSONValue.Member("testSet", .string("not known: the checkpoint says \(stated)")),
            ]
        }
        entry.append(JSONValue.Member("notes", .string("Extracted from \(Printable.line(name)).")))
        var versions = description["versions"] ?? .object([])
        versions[String(version)] = .object(entry)
        var updated = description
        updated["versions"] = versions
        let output = try FileWriter(replacing: descriptionPath)
        try output.write(Array(updated.prettyText.utf8))
        try output.finish()
    }
}
