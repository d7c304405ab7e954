// SPDX-License-Identifier: MIT

import JSON

/// Reads a program's text from front to back; what it does not know it reads past.
///
/// - Source: `torch/_export/serde/schema.py`.
struct ProgramReader {
    private let limits: TorchExportLimits
    private var items = 0
    private var nodeCount = 0

    init(_ limits: TorchExportLimits) { self.limits = limits }

    /// - Throws: `TorchExportError`.
    static func read(_ bytes: [UInt8], _ limits: TorchExportLimits) throws -> ProgramMessage {
        guard bytes.count <= limits.maxProgramBytes else {
            throw TorchExportError.limit(what: "bytes of text", limit: limits.maxProgramBytes)
        }
        var reader = ProgramReader(limits)
        var json = JSONReader(bytes[...], maxMembers: limits.maxItems)
        do {
            let program = try reader.program(&json)
            try json.finish()
            return program
        } catch let error as JSONError {
            throw TorchExportError.malformed(reason: "\(error)")
        }
    }

    // MARK: Pieces

    private mutating func count() throws {
        items += 1
        guard items <= limits.maxItems else {
            throw TorchExportError.limit(what: "nodes, arguments and numbers", limit: limits.maxItems)
        }
    }

    mutating func text(_ json: inout JSONReader) throws -> String {
        try count()
        let text = try json.readString().string
        guard text.utf8.count <= limits.maxNameBytes else {
            throw TorchExportError.limit(what: "bytes of a name", limit: limits.maxNameBytes)
        }
        return text
    }

    mutating func integer(_ json: inout JSONReader) throws -> Int {
        try count()
        return try json.readInt()
    }

    /// The items of an array; none where there is null.
    mutating func list<Item>(
        _ json: inout JSONReader, _ item: (inout ProgramReader, inout JSONReader) throws -> Item
    ) throws -> [Item] {
        if json.takeNull() { return [] }
        var items: [Item] = []
        try json.readArray { json in
            try count()
            items.append(try item(&self, &json))
        }
        return items
    }

    /// The members of an object by name; nothing where there is null.
    mutating func object(
        _ json: inout JSONReader, _ member: (inout ProgramReader, inout JSONReader, String) throws -> Void
    ) throws {
        if json.takeNull() { return }
        try json.readObject { json, name in
            try count()
            try member(&self, &json, name.string)
        }
    }

    /// The name within `{"name": "x"}`.
    mutating func name(_ json: inout JSONReader) throws -> String {
        var result: String?
        try object(&json) { reader, json, key in
            if key == "name" { result = try reader.text(&json) } else { try json.skipValue() }
        }
        guard let result else { throw TorchExportError.malformed(reason: "a tensor without a name") }
        return result
    }

    // MARK: The whole

    private mutating func program(_ json: inout JSONReader) throws -> ProgramMessage {
        var program = ProgramMessage()
        try object(&json) { reader, json, key in
            switch key {
            case "graph_module":
                try reader.object(&json) { reader, json, key in
                    switch key {
                    case "graph": program.graph = try reader.graph(&json)
                    case "signature": try reader.signature(&json, &program)
                    case "module_call_graph": program.outputNames = try reader.outputNames(&json)
                    default: try json.skipValue()
                    }
                }
            case "schema_version":
                var (major, minor) = (0, 0)
                try reader.object(&json) { reader, json, key in
                    switch key {
                    case "major": major = try reader.integer(&json)
                    case "minor": minor = try reader.integer(&json)
                    default: try json.skipValue()
                    }
                }
                program.schemaVersion = (major, minor)
            case "torch_version": program.torchVersion = try reader.text(&json)
            case "opset_version":
                try reader.object(&json) { reader, json, name in
                    program.opsets.append((name, try reader.integer(&json)))
                }
            default: try json.skipValue()
            }
        }
        return program
    }

    /// The names of the program's outputs, by the signature of the whole, which is the first of those of its modules.
    private mutating func outputNames(_ json: inout JSONReader) throws -> [String?] {
        var names: [String?] = []
        var isFirst = true
        _ = try list(&json) { reader, json in
            guard isFirst else { return try json.skipValue() }
            isFirst = false
            try reader.object(&json) { reader, json, key in
                guard key == "signature" else { return try json.skipValue() }
                try reader.object(&json) { _, json, key in
                    guard key == "out_spec", json.nextKind() == .string else { return try json.skipValue() }
                    names = OutputNames.read(try json.readString().string)
                }
            }
        }
        return names
    }

    private mutating func graph(_ json: inout JSONReader) throws -> GraphMessage {
        var graph = GraphMessage()
        try object(&json) { reader, json, key in
            switch key {
            case "inputs": graph.inputs = try reader.list(&json) { try $0.argument(&$1) }
            case "outputs": graph.outputs = try reader.list(&json) { try $0.argument(&$1) }
            case "nodes": graph.nodes = try reader.list(&json) { try $0.node(&$1) }
            case "tensor_values":
                try reader.object(&json) { reader, json, name in graph.tensors[name] = try reader.tensor(&json) }
            default: try json.skipValue()
            }
        }
        return graph
    }

    private mutating func node(_ json: inout JSONReader) throws -> NodeMessage {
        nodeCount += 1
        guard nodeCount <= limits.maxNodes else {
            throw TorchExportError.limit(what: "nodes", limit: limits.maxNodes)
        }
        var node = NodeMessage()
        try object(&json) { reader, json, key in
            switch key {
            case "target": node.target = try reader.text(&json)
            // Versions before 2.8 give nodes no name.
            case "name": node.name = json.takeNull() ? "" : try reader.text(&json)
            case "inputs": node.inputs = try reader.list(&json) { try $0.namedArgument(&$1) }
            case "outputs": node.outputs = try reader.list(&json) { try $0.argument(&$1) }
            case "metadata":
                try reader.object(&json) { _, json, key in
                    guard key == "nn_module_stack", json.nextKind() == .string else { return try json.skipValue() }
                    node.module = ProgramReader.module(try json.readString().string)
                }
            default: try json.skipValue()
            }
        }
        guard !node.target.isEmpty else { throw TorchExportError.malformed(reason: "a node without a target") }
        if node.name.isEmpty { node.name = node.outputs.lazy.compactMap(\.firstName).first ?? node.target }
        return node
    }

    /// The path of the innermost module: of `L__self__,,Net;L__self___conv,conv,torch.nn.modules.conv.Conv2d` it is "conv".
    private static func module(_ stack: String) -> String {
        guard let last = stack.utf8.split(separator: UInt8(ascii: ";")).last else { return "" }
        let parts = last.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        return parts.count >= 3 ? String(decoding: parts[1], as: UTF8.self) : ""
    }

    private mutating func namedArgument(_ json: inout JSONReader) throws -> (name: String, argument: Argument) {
        var (name, argument) = ("", Argument?.none)
        try object(&json) { reader, json, key in
            switch key {
            case "name": name = try reader.text(&json)
            case "arg": argument = try reader.argument(&json)
            default: try json.skipValue()
            }
        }
        guard let argument else { throw TorchExportError.malformed(reason: "an input without an argument") }
        return (name, argument)
    }

    // MARK: Tensors

    private mutating func tensor(_ json: inout JSONReader) throws -> TensorMessage {
        var tensor = TensorMessage()
        try object(&json) { reader, json, key in
            switch key {
            case "dtype": tensor.scalarType = try reader.integer(&json)
            case "sizes": tensor.sizes = try reader.list(&json) { try $0.dimension(&$1) }
            default: try json.skipValue()
            }
        }
        return tensor
    }

    /// `{"as_int": 3}`, or `{"as_expr": {"expr_str": ..., "hint": ...}}`.
    private mutating func dimension(_ json: inout JSONReader) throws -> Dimension {
        var dimension: Dimension?
        try object(&json) { reader, json, key in
            switch key {
            case "as_int": dimension = .size(try reader.integer(&json))
            case "as_expr":
                try reader.object(&json) { reader, json, key in
                    guard key == "expr_str" else { return try json.skipValue() }
                    dimension = ProgramReader.dimension(try reader.text(&json))
                }
            default: try json.skipValue()
            }
        }
        guard let dimension else { throw TorchExportError.malformed(reason: "a size that is no number") }
        return dimension
    }

    /// A symbol, as sympy writes it (`Symbol('s77', positive=True, integer=True)`) or only by its name (`s77`).
    private static func dimension(_ text: String) -> Dimension {
        if let number = Int(text) { return .size(number) }
        let bytes = Array(text.utf8)
        let opening = Array("Symbol('".utf8)
        if bytes.starts(with: opening), let end = bytes[opening.count...].firstIndex(of: UInt8(ascii: "'")),
            bytes[end...].last == UInt8(ascii: ")"), !bytes[end...].dropLast().contains(UInt8(ascii: "("))
        {
            return .symbol(String(decoding: bytes[opening.count..<end], as: UTF8.self))
        }
        let isName = bytes.allSatisfy { $0 == UInt8(ascii: "_") || ($0 | 0x20) &- 0x61 < 26 || $0 &- 0x30 < 10 }
        return isName && !bytes.isEmpty ? .symbol(text) : .expression(text)
    }

    // MARK: Graphs within graphs

    /// `{"name": ..., "graph": ...}`.
    mutating func innerGraph(_ json: inout JSONReader) throws -> GraphMessage {
        var inner: GraphMessage?
        try object(&json) { reader, json, key in
            if key == "graph" { inner = try reader.graph(&json) } else { try json.skipValue() }
        }
        guard let inner else { throw TorchExportError.malformed(reason: "a graph without nodes") }
        return inner
    }
}

extension Argument {
    /// The name of the value, the first of several.
    var firstName: String? {
        switch self {
        case .tensor(let name): name
        case .tensors(let names): names.lazy.compactMap(\.self).first
        case .number(.named(let name)): name
        default: nil
        }
    }
}
