// SPDX-License-Identifier: MIT

import Checkpoints
import Graphs
import Models
import ONNX
import SystemCalls
import Tensors
import TorchExport

/// A file that holds a network as well as its weights.
public struct GraphFile: Sendable {
    /// What such files are written in.
    public enum Format: String, Sendable {
        /// ONNX.
        case onnx
        /// A program of `torch.export.save`.
        case torchExport = "torch.export"
    }

    /// Its path.
    public let path: String
    /// What it is written in.
    public let kind: Format

    /// Looks whether a file is one, by its first bytes and, of an archive, by the names in it.
    ///
    /// - Returns: nil if it is something else, or can't be read.
    public init?(recognising path: String) {
        guard let start = try? FileDescriptor.contents(of: path, limit: 4), start.count >= 2
        else { return nil }
        self.path = path
        if start[0] == 0x08, (3...63).contains(start[1]) {
            // A message whose first field is the number of the format's version: ONNX writes it first.
            kind = .onnx
        } else if start.starts(with: Array("PK\u{3}\u{4}".utf8)), ExportArchive.isProgram(path: path) {
            kind = .torchExport
        } else {
            return nil
        }
    }

    /// Names a file that was recognised before.
    init(path: String, kind: Format) {
        self.path = path
        self.kind = kind
    }

    /// Name of the format, which stands for the architecture.
    public var format: String { kind.rawValue }

    /// The network for a batch of one.
    ///
    /// - Parameter size: Height and width of input images, for networks that leave them open.
    /// - Throws: `ONNXError`, `TorchExportError`, `CheckpointError`, or an error of the system.
    public func read(size: (height: Int, width: Int)?) throws -> (graph: Graph, labels: [String]?) {
        switch kind {
        case .onnx:
            let model = try ONNXModel(path: path)
            var options = ONNXImportOptions()
            options.size = size
            return (try model.graph(options), Self.labels(in: model.metadata))
        case .torchExport:
            let program = try TorchProgram(path: path)
            var options = TorchExportOptions()
            options.size = size
            return (try program.graph(options), program.labels)
        }
    }

    /// The files beside it that hold its weights, by the names that it gives them.
    ///
    /// - Throws: `ONNXError`.
    func companions() throws -> [(name: String, path: String)] {
        guard kind == .onnx else { return [] }
        let folder = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[...$0]) } ?? ""
        return try ONNXModel(path: path).externalFiles.map { ($0, folder + $0) }
    }

    /// Names of classes that an exporter noted: a list in JSON, or Python's dictionary of numbers and names.
    static func labels(in metadata: [(key: String, value: String)]) -> [String]? {
        let keys = ["labels", "classes", "class_names", "names"]
        guard let text = keys.lazy.compactMap({ key in metadata.first { $0.key == key }?.value }).first else {
            return nil
        }
        var labels: [String] = []
        var quote: Character?
        var word = ""
        for character in text {
            switch (quote, character) {
            case (nil, "'"), (nil, "\""):
                quote = character
                word = ""
            case (let open?, character) where open == character:
                labels.append(word)
                quote = nil
            case (_?, _): word.append(character)
            default: continue
            }
        }
        return labels.isEmpty ? nil : labels
    }
}

/// Where a loaded model's network comes from: what another process needs to make the same plan for weights that are prepared.
public enum NetworkSource: Sendable {
    /// A network that this library knows.
    case architecture(Architecture)
    /// A file's own.
    case graph(GraphFile)
    /// The calling program's own, which no other process can make.
    case wired

    /// What descriptions call it.
    public var name: String {
        switch self {
        case .architecture(let architecture): architecture.name
        case .graph(let file): file.format
        case .wired: "wired"
        }
    }
}
