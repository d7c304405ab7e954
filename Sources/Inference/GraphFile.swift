// SPDX-License-Identifier: MIT

import Graphs
import Models
import ONNX
import SystemCalls
import Tensors

/// A file that holds a network as well as its weights.
public struct GraphFile: Sendable {
    /// Its path.
    public let path: String

    /// Looks whether a file is one, by its first bytes.
    ///
    /// - Returns: nil if it is something else, or can't be read.
    public init?(recognising path: String) {
        guard let start = try? FileDescriptor.open(path, FileDescriptor.readOnly).readAll(limit: 2), start.count >= 2,
            // A message whose first field is the number of the format's version: ONNX writes it first.
            start[0] == 0x08, (3...63).contains(start[1])
        else { return nil }
        self.path = path
    }

    /// Names a file that was recognised before.
    init(path: String) { self.path = path }

    /// Name of the format, which stands for the architecture.
    public var format: String { "onnx" }

    /// The network for a batch of one.
    ///
    /// - Parameter size: Height and width of input images, for networks that leave them open.
    /// - Throws: `ONNXError`, or an error of the system.
    public func read(size: (height: Int, width: Int)?) throws -> (graph: Graph, labels: [String]?) {
        let model = try ONNXModel(path: path)
        var options = ONNXImportOptions()
        options.size = size
        return (try model.graph(options), Self.labels(in: model.metadata))
    }

    /// The files beside it that hold its weights, by the names that it gives them.
    ///
    /// - Throws: `ONNXError`.
    func companions() throws -> [(name: String, path: String)] {
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

    /// What descriptions call it.
    public var name: String {
        switch self {
        case .architecture(let architecture): architecture.name
        case .graph(let file): file.format
        }
    }
}
