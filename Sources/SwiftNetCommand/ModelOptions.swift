// SPDX-License-Identifier: MIT

import ArgumentParser
import CommandSupport
import Images
import Inference
import SystemCalls

/// The flags that choose a model, the same for all commands.
struct ModelOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The model to use: a name that 'swiftnet models' lists. Default: the only one, else mnist. Beside a weights file: "
                + "the model whose labels and input hold for it.", valueName: "name"),
        completion: .custom(ModelNames.complete))
    var model: String?

    @Option(
        help: ArgumentHelp(
            "A model repository, or one file: a network (.onnx, .pt2), or weights (.pth, .safetensors) whose architecture is "
                + "recognised. "
                + "Default: $SWIFTNET_WEIGHTS, share/swiftnet beside the program, or the package's own Weights.",
            valueName: "dir|file"),
        completion: .file())
    var weights: String?

    @Option(help: ArgumentHelp("The model's version. Default: the newest.", valueName: "number"))
    var version: Int?

    @OptionGroup var graphFlags: GraphModelFlags

    /// The model used where none is named.
    static let defaultModel = "mnist"

    mutating func validate() throws {
        if let version, version < 1 { throw ValidationError("--version must be 1 or more, not \(version).") }
    }

    /// Opens the repository that the flags name.
    func repository() throws -> ModelRepository {
        try weights.map { try ModelRepository(path: $0) } ?? ModelRepository.standard()
    }

    /// Loads the model that the flags name, else `name`.
    func load(default name: String = defaultModel, precision: Precision? = nil) throws -> LoadedModel {
        try load(source(default: name, precision: precision))
    }

    /// Finds what the flags name, else the model `name`.
    func source(default name: String = defaultModel, precision: Precision? = nil) throws -> ModelSource {
        if let weights, try FileSystem.kind(of: weights) != .directory {
            if version != nil { throw ValidationError("--version needs a model repository, not a weights file.") }
            if precision != nil {
                throw ValidationError("--precision needs a model repository; a file runs in the precision that it has.")
            }
            let description = try model.map { try ModelRepository.standard().description(of: $0) }
            return try ModelSource(
                weights: weights, name: model ?? fileName(weights), description: description,
                options: graphFlags.options())
        }
        let options = try graphFlags.options()
        if options.architecture != nil {
            throw ValidationError(
                "--architecture is for a weights file; the description of a model in a repository names its network.")
        }
        let repository = try repository()
        // With one model there is no choice.
        let names = model == nil ? try repository.modelNames() : []
        return try ModelSource(
            model ?? (names.count == 1 ? names[0] : name), version: version,
            precision: precision ?? .float32, in: repository, options: options)
    }

    /// Loads what was found, and tells what is to be known of a file.
    func load(_ source: ModelSource) throws -> LoadedModel {
        guard source.isFile else { return try LoadedModel(source) }
        let loaded = try Failure.about(source.path) { try LoadedModel(source) }
        for note in loaded.notes {
            writeStandardError("swiftnet: \(Printable.line("\(source.path): \(note)"))\n")
        }
        return loaded
    }

    private func fileName(_ path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }
}

/// The flag that chooses what a model runs in.
struct PrecisionOptions: ParsableArguments {
    @Option(
        name: .customLong("precision"),
        help: ArgumentHelp(
            "The precision to run in: f32 or int8, which takes the file that 'swiftnet quantize' makes. Default: f32.",
            valueName: "name"),
        completion: .list(Precision.allCases.map(\.rawValue)))
    var name: String?

    mutating func validate() throws {
        if let name, Precision(rawValue: name) == nil {
            let known = Precision.allCases.map(\.rawValue).joined(separator: " or ")
            throw ValidationError("--precision must be \(known), not '\(name)'.")
        }
    }

    /// nil if the flag is not given.
    var precision: Precision? { name.flatMap(Precision.init) }
}

/// The flags that bound what an image may take.
struct ImageOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Largest image that is decoded, in pixels; its header is asked before memory is taken.",
            valueName: "count"))
    var maxPixels: Int = ImageLimits().maxPixels

    mutating func validate() throws {
        if maxPixels < 1 { throw ValidationError("--max-pixels must be 1 or more, not \(maxPixels).") }
    }

    var limits: ImageLimits { ImageLimits(maxPixels: maxPixels) }
}
