// SPDX-License-Identifier: MIT

import Graphs
import Protobuf
import SystemCalls
import Tensors

/// An ONNX file: its structure, read; its weights, left where they are.
///
/// Reads all versions of the operators, as the exporters of PyTorch, TensorFlow and Paddle write them; weights inside the
/// file or in files beside it. What a model
/// means is worked out by `graph(_:)` for given input sizes.
///
/// - Source: github.com/onnx/onnx, docs/IR.md and docs/Operators.md.
public final class ONNXModel {
    let message: ModelMessage
    let graphMessage: GraphMessage
    let counter: ItemCounter
    let tensors: TensorReader
    private let owner: any AnyObject & Sendable

    /// Maps a file.
    ///
    /// - Throws: `SystemError` if it can't be opened, `ONNXError` or `ProtobufError` if it is no model.
    public convenience init(path: String, limits: ONNXLimits = ONNXLimits()) throws {
        let file = try MappedFile(path: path)
        let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        try self.init(file.bytes, owner: file, folder: folder, limits: limits)
    }

    /// Takes a model's bytes.
    ///
    /// - Parameter folder: Where weights in other files are looked for; nil if there are none.
    /// - Throws: `ONNXError` or `ProtobufError`.
    public convenience init(bytes: [UInt8], folder: String? = nil, limits: ONNXLimits = ONNXLimits()) throws {
        let holder = BytesHolder(bytes)
        try self.init(holder.bytes, owner: holder, folder: folder, limits: limits)
    }

    private init(
        _ bytes: UnsafeRawBufferPointer, owner: any AnyObject & Sendable, folder: String?, limits: ONNXLimits
    ) throws {
        self.owner = owner
        counter = ItemCounter(limits)
        do {
            message = try ModelMessage(bytes, counter)
        } catch let error as ProtobufError {
            throw ONNXError.malformed(reason: error.description)
        }
        guard let graph = message.graph else { throw ONNXError.malformed(reason: "it has no graph") }
        guard message.irVersion >= 3, !message.opsets.isEmpty else {
            throw ONNXError.malformed(
                reason:
                    "its version is \(message.irVersion) and it names no set of operators; versions from 3 on are read")
        }
        graphMessage = graph
        tensors = TensorReader(owner: owner, folder: folder, counter: counter)
    }

    /// Version of the format.
    public var irVersion: Int { message.irVersion }
    /// The program that wrote the file, with its version.
    public var producer: String {
        message.producerVersion.isEmpty
            ? message.producerName : "\(message.producerName) \(message.producerVersion)"
    }
    /// Version of ONNX's own operators.
    public var opset: Int { message.opsets[""] ?? 0 }
    /// What the exporter noted, in the file's order.
    public var metadata: [(key: String, value: String)] { message.metadata }

    /// The network, for given sizes of its inputs.
    ///
    /// - Throws: `ONNXError`; `.unsupported` with all that would not run.
    public func graph(_ options: ONNXImportOptions = ONNXImportOptions()) throws -> Graph {
        let importer = Importer(self, options)
        let graph = try importer.run()
        guard importer.problems.isEmpty else { throw ONNXError.unsupported(importer.problems) }
        return graph
    }
}

/// What a file leaves open.
public struct ONNXImportOptions {
    /// Inputs at once: what a free first dimension becomes.
    public var batch = 1
    /// Height and width of input images; nil for those that the file says.
    public var size: (height: Int, width: Int)?
    /// Sizes of free dimensions by the names that the file gives them.
    public var dimensions: [String: Int] = [:]
    /// Whole shapes of inputs by their names: they win over all else.
    public var shapes: [String: Shape] = [:]
    /// Inputs whose numbers are known when the model is loaded: they are no inputs of the graph.
    public var constants: [String: Tensor] = [:]

    /// The defaults.
    public init() {}
}

/// Keeps a copy of bytes at one place.
private final class BytesHolder: @unchecked Sendable {
    // Sendable holds because the bytes are never written after they are copied.
    let bytes: UnsafeRawBufferPointer

    init(_ bytes: [UInt8]) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 64)
        memory.copyBytes(from: bytes)
        self.bytes = UnsafeRawBufferPointer(memory)
    }

    deinit { bytes.deallocate() }
}

extension ONNXModel {
    /// A tensor that stands by itself, as ONNX's tests have it: a TensorProto.
    ///
    /// - Throws: `ONNXError` or `ProtobufError`.
    package static func tensor(bytes: [UInt8]) throws -> Tensor {
        let holder = BytesHolder(bytes)
        let counter = ItemCounter(ONNXLimits())
        let message = try TensorMessage(ProtobufReader(holder.bytes), counter)
        return try TensorReader(owner: holder, folder: nil, counter: counter).tensor(message)
    }
}

extension ONNXModel {
    /// The inputs that a caller gives, in the file's order: those that have no numbers in the file.
    public var inputNames: [String] {
        let known = Set(graphMessage.initializers.map(\.name))
        return graphMessage.inputs.map(\.name).filter { !known.contains($0) }
    }
}
