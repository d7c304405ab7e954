// SPDX-License-Identifier: MIT

import Checkpoints
import Graphs
import Tensors

/// A program that `torch.export.save` wrote (`.pt2`): its nodes, read; its weights, left in the mapped file.
///
/// Reads programs as `torch.export.export` gives them, operators in place among them, and decomposed ones
/// (`run_decompositions()`). What a program means is worked out by `graph(_:)` for given input sizes. Programs in half precision
/// run in Float32.
///
/// - Source: `torch/_export/serde/schema.py`.
public struct TorchProgram: Sendable {
    let message: ProgramMessage
    let graphMessage: GraphMessage
    let limits: TorchExportLimits
    let weights: [String: Tensor]
    /// Names of the classes, if the file was saved with them: `extra_files={"labels.txt": ...}`, a line each.
    public let labels: [String]?

    /// Maps a file.
    ///
    /// - Throws: `SystemError` if it can't be opened, `CheckpointError` if it is no sound archive, `TorchExportError` if it holds
    ///   no program that can be read.
    public init(path: String, limits: TorchExportLimits = TorchExportLimits()) throws {
        try self.init(ExportArchive.open(path: path), limits: limits)
    }

    init(_ archive: ExportArchive, limits: TorchExportLimits) throws {
        guard !archive.memberNames.contains(where: { $0.hasPrefix("data/aotinductor/") }) else {
            throw TorchExportError.notAProgram(
                reason:
                    "it is a package of AOTInductor, which holds compiled code; save the program that it was made from with "
                    + "torch.export.save")
        }
        guard archive.models.count == 1 || archive.models.contains("model") else {
            throw TorchExportError.notAProgram(
                reason: "it holds several (\(archive.models.prefix(8).joined(separator: ", "))); save one by itself")
        }
        let name = archive.models.contains("model") ? "model" : archive.models[0]
        let text = try archive.program(name)
        guard text.count <= limits.maxProgramBytes else {
            throw TorchExportError.limit(what: "bytes of text", limit: limits.maxProgramBytes)
        }
        var weights: [String: Tensor] = [:]
        // A buffer that is not saved stands among the constants; a name of both is the weight's.
        for part in [ExportArchive.Part.constants, .weights] {
            for (name, tensor) in try archive.stateDict(part, of: name).entries { weights[name] = tensor }
        }
        try self.init(text: Array(text.bytes), weights: weights, labels: archive.labels(), limits: limits)
    }

    /// Takes a program's text and its weights by their names.
    ///
    /// - Throws: `TorchExportError`.
    package init(
        text: [UInt8], weights: [String: Tensor], labels: [String]? = nil,
        limits: TorchExportLimits = TorchExportLimits()
    ) throws {
        message = try ProgramReader.read(text, limits)
        try Self.checkVersion(message)
        guard let graph = message.graph else { throw TorchExportError.malformed(reason: "it has no graph") }
        graphMessage = graph
        self.weights = weights
        self.labels = labels
        self.limits = limits
    }

    private static func checkVersion(_ message: ProgramMessage) throws {
        guard let version = message.schemaVersion else {
            throw TorchExportError.version("that it does not say")
        }
        guard (5...8).contains(version.major) else {
            throw TorchExportError.version("\(version.major).\(version.minor)")
        }
    }

    /// Version of the format, for example "8.20".
    public var schemaVersion: String { message.schemaVersion.map { "\($0.major).\($0.minor)" } ?? "" }
    /// The version of PyTorch that wrote the file; empty where it does not say.
    public var torchVersion: String { message.torchVersion }

    /// The network, for given sizes of its inputs.
    ///
    /// - Throws: `TorchExportError`; `.unsupported` with all that would not run.
    public func graph(_ options: TorchExportOptions = TorchExportOptions()) throws -> Graph {
        let importer = ProgramImporter(self, options)
        let graph = try importer.run()
        guard importer.problems.isEmpty else { throw TorchExportError.unsupported(importer.problems) }
        return graph
    }
}

/// What a program leaves open.
public struct TorchExportOptions: Sendable {
    /// Inputs at once: what a free first dimension becomes.
    public var batch = 1
    /// Height and width of input images; nil for those that the program says.
    public var size: (height: Int, width: Int)?
    /// Sizes of free dimensions by their symbols.
    public var dimensions: [String: Int] = [:]
    /// Whole shapes of inputs by their names: they win over all else.
    public var shapes: [String: Shape] = [:]

    /// The defaults.
    public init() {}
}
