// SPDX-License-Identifier: MIT

import Checkpoints
import CommandSupport
import Inference
import Models
import SystemCalls

/// Why weights cannot be placed where they should go.
enum InstallationError: Error, CustomStringConvertible {
    case otherArchitecture(model: String, expected: String, found: String)
    case wouldReplaceInput(String)
    /// The report and the weights are to be written to the same file.
    case onePlaceForTwo(String)
    /// The output that was not named cannot be written.
    case defaultPlace(OutputError)

    var description: String {
        switch self {
        case .otherArchitecture(let model, let expected, let found):
            "model '\(model)' is of the architecture \(expected), these weights are of \(found); name the model that they "
                + "are for, or a new one"
        case .wouldReplaceInput(let path): "'\(path)' is the input itself; choose another place for what is written"
        case .onePlaceForTwo(let path): "'\(path)' can't hold both the weights and the report; name two files"
        case .defaultPlace(let error): "\(error) (that is where the weights go unless --output names another place)"
        }
    }
}

/// The place of the weights as the next version of a model, or the first of a new one: `<model>/<version>/model.pth`.
struct Installation {
    private static let fileName = "model.pth"
    private let place: NewVersion
    private let architecture: Architecture
    private let labels: [String]?

    /// Where the weights go.
    var path: String { "\(place.folder)/\(Self.fileName)" }

    /// Finds the place, and whether the weights belong there.
    ///
    /// - Parameters:
    ///   - repository: The folder that the user names; nil for the one that all commands use.
    ///   - labels: Names of the classes that the user gives; nil for those that the checkpoint or the repository has.
    /// - Throws: ``InstallationError``, `InferenceError`, `ModelError`.
    init(model: String, repository: String?, labels: [String]?, report: ExtractionReport) throws {
        self.labels = labels
        place = try NewVersion(
            of: model, in: repository.map { try ModelRepository(path: $0) } ?? ModelRepository.standard())
        let weights = try report.contents.outline()
        guard let known = place.known else {
            // Throws, with the reason, where none was recognised.
            let recognised =
                try report.recognised ?? RecognisedArchitecture(in: weights, report.summary, path: report.input)
            architecture = recognised.architecture
            return
        }
        guard let fitting = Architecture.fitting(weights).first(where: { $0.name == known.architecture }) else {
            throw InstallationError.otherArchitecture(
                model: model, expected: known.architecture,
                found: report.recognised?.architecture.name ?? "no architecture that is known")
        }
        architecture = fitting
    }

    /// Makes the version's folder.
    func prepare() throws { try place.makeFolder() }

    /// Takes the version away again: it failed.
    func abandon() { place.abandon([path]) }

    /// Runs the weights once, and adds them to the model's description with the epoch and the accuracy that the checkpoint states.
    ///
    /// - Returns: The version's number.
    /// - Throws: What running them throws, or an error of the system.
    func record(_ report: ExtractionReport) throws -> Int {
        var options = GraphModelOptions()
        options.architecture = architecture.name
        options.labels = labels
        options.statedLabels = report.summary.classNames
        let loaded = try place.load(path, options: options)
        var version = ModelDescription.Version(file: Self.fileName)
        version.epoch = report.summary.epoch
        if let accuracy = report.summary.accuracy {
            let stated = Printable.line("\(accuracy.name) = \(accuracy.text)")
            version.testAccuracy = (accuracy.share * 1e6).rounded() / 1e6
            version.testSet = "not known: the checkpoint says \(stated)"
        }
        let name = report.input.split(separator: "/").last.map { String($0) } ?? report.input
        version.notes = "Extracted from \(Printable.line(name))."
        return try place.record(loaded, version).version
    }
}
