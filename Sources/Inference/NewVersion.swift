// SPDX-License-Identifier: MIT

import Checkpoints
import SystemCalls

/// A version that is being added to a model of a repository, or the first version of a new model. Nothing says that it is there
/// before it is recorded.
public struct NewVersion: Sendable {
    /// The model's name.
    public let name: String
    /// The version's number.
    public let version: Int
    /// The folder that its files belong into.
    public let folder: String
    /// What the repository says of the model; nil for a new one.
    public let known: ModelDescription?
    private let repository: ModelRepository
    private let modelFolder: String

    /// Finds the next number. Nothing is written yet.
    ///
    /// - Throws: `InferenceError` if the name can't be a model's, or the model's description can't be read.
    public init(of name: String, in repository: ModelRepository) throws {
        guard ModelRepository.isPlain(name) else { throw InferenceError.badModelName(name) }
        known = try repository.modelNames().contains(name) ? repository.description(of: name) : nil
        self.name = name
        self.repository = repository
        version = (known?.versionNumbers.last ?? 0) + 1
        modelFolder = repository.folder(of: name) ?? repository.newFolder(of: name)
        folder = "\(modelFolder)/\(version)"
    }

    /// Loads a file as the version will be loaded, and runs it once on a grey input.
    ///
    /// - Parameter options: What the file leaves open, for a new model. A version of one that is there is prepared as that is.
    /// - Throws: What loading throws, so if the file does not fit the model; `InferenceError.notFiniteResult`,
    ///   `.wrongArchitecture`, `.otherDescription`.
    public func load(_ file: String, options: GraphModelOptions) throws -> LoadedModel {
        if let known, let other = known.differences(from: options).first {
            throw InferenceError.otherDescription(model: name, what: other)
        }
        let format = GraphFile(recognising: file)?.format
        if let known, format != GraphFile.Format(rawValue: known.architecture)?.rawValue {
            throw InferenceError.wrongArchitecture(
                path: file, expected: known.architecture, actual: format ?? "weights without a network")
        }
        let loaded = try LoadedModel(weights: file, name: name, description: known, options: options)
        let answer = try Predictor(loaded).numbers(
            of: [Float](repeating: 0.5, count: loaded.inputCount), count: 1)
        guard answer.allSatisfy(\.isFinite) else { throw InferenceError.notFiniteResult }
        return loaded
    }

    /// Makes the folder.
    ///
    /// - Throws: An error of the system.
    public func makeFolder() throws {
        if known == nil { try FileSystem.makeFolders(modelFolder) }
        try FileSystem.makeFolder(folder)
    }

    /// Takes files and folders away again: something failed.
    ///
    /// - Parameter files: Paths within the folder.
    public func abandon(_ files: [String]) {
        for file in files { try? FileSystem.removeFile(file) }
        try? FileSystem.removeFolder(folder)
        // A folder that holds something stays.
        if known == nil { try? FileSystem.removeFolder(modelFolder) }
    }

    /// Writes the version into the model's description, which is replaced as a whole.
    ///
    /// - Parameters:
    ///   - loaded: What ``load(_:options:)`` gave.
    ///   - details: What is known of the version; its file is in the folder, and checksum and size are found here.
    ///   - description: A sentence for people, in place of what there is.
    /// - Throws: An error of the system.
    public func record(
        _ loaded: LoadedModel, _ details: ModelDescription.Version, description text: String? = nil
    ) throws -> ModelRepository.Entry {
        let file = try MappedFile(path: "\(folder)/\(details.file)")
        var details = details
        details.sha256 = SHA256.hexadecimal(of: file.bytes)
        details.bytes = file.bytes.count
        var description = loaded.description
        if let text { description.description = text }
        description.versions[String(version)] = details
        // What could not be read again would be in everybody's way.
        _ = try ModelDescription.decode(Array(description.json.text.utf8), path: "\(modelFolder)/model.json")
        try description.write(to: modelFolder)
        return try repository.entry(name, version: version)
    }
}
