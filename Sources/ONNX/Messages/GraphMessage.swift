// SPDX-License-Identifier: MIT

import Protobuf

/// GraphProto.
struct GraphMessage {
    var name = ""
    var nodes: [NodeMessage] = []
    var initializers: [TensorMessage] = []
    var hasSparseInitializers = false
    var inputs: [ValueMessage] = []
    var outputs: [ValueMessage] = []
    /// Types and shapes of values in between, where the file says them: hints.
    var hints: [ValueMessage] = []

    init(_ message: ProtobufReader, _ counter: ItemCounter) throws {
        var reader = message
        try counter.count()
        try reader.forEach { field in
            switch field.number {
            case 1: nodes.append(try NodeMessage(field.message(), counter))
            case 2: name = try counter.name(field)
            case 5: initializers.append(try TensorMessage(field.message(), counter))
            case 11: inputs.append(try ValueMessage(field.message(), counter))
            case 12: outputs.append(try ValueMessage(field.message(), counter))
            case 13: hints.append(try ValueMessage(field.message(), counter))
            case 15: hasSparseInitializers = true
            default: break
            }
        }
    }
}

/// NodeProto.
struct NodeMessage {
    var inputs: [String] = []
    var outputs: [String] = []
    var name = ""
    var op = ""
    var domain = ""
    var overload = ""
    var attributes: [AttributeMessage] = []

    init(_ message: ProtobufReader, _ counter: ItemCounter) throws {
        var reader = message
        try counter.countNode()
        try reader.forEach { field in
            switch field.number {
            case 1: inputs.append(try counter.name(field))
            case 2: outputs.append(try counter.name(field))
            case 3: name = try counter.name(field)
            case 4: op = try counter.name(field)
            case 5: attributes.append(try AttributeMessage(field.message(), counter))
            case 7: domain = ModelMessage.normalized(domain: try counter.name(field))
            case 8: overload = try counter.name(field)
            default: break
            }
        }
    }

    /// What people find the node by.
    var shownName: String { name.isEmpty ? outputs.first { !$0.isEmpty } ?? "" : name }

    /// The operator, with its domain unless it is ONNX's own.
    var shownOp: String { domain.isEmpty ? op : "\(domain).\(op)" }

    /// Graphs within the node.
    var graphs: [GraphMessage] {
        attributes.compactMap { if case .graph(let graph) = $0.value { graph } else { nil } }
    }
}

/// ValueInfoProto: a name, and a type that is a tensor's or something else.
struct ValueMessage {
    /// A size, or the name of one that is free.
    enum Dimension: Equatable {
        case size(Int)
        case free(String)
    }

    var name = ""
    /// The number of the elements' type; 0 if it is unknown, nil if it is no tensor.
    var dataType: Int? = 0
    /// Nil if even the rank is unknown.
    var dimensions: [Dimension]?

    init(_ message: ProtobufReader, _ counter: ItemCounter) throws {
        var reader = message
        try reader.forEach { field in
            switch field.number {
            case 1: name = try counter.name(field)
            case 2: try readType(field.message(), counter)
            default: break
            }
        }
    }

    private mutating func readType(_ message: ProtobufReader, _ counter: ItemCounter) throws {
        var reader = message
        while let field = try reader.next() {
            guard field.number == 1 else {
                if [4, 5, 8, 9].contains(field.number) { dataType = nil }
                continue
            }
            var tensor = try field.message()
            while let field = try tensor.next() {
                switch field.number {
                case 1: dataType = try field.int32()
                case 2: dimensions = try ValueMessage.shape(field.message(), counter)
                default: break
                }
            }
        }
    }

    private static func shape(_ message: ProtobufReader, _ counter: ItemCounter) throws -> [Dimension] {
        var reader = message
        var result: [Dimension] = []
        try reader.forEach { field in
            guard field.number == 1 else { return }
            try counter.count()
            guard result.count < counter.limits.maxRank else {
                throw ONNXError.limit(what: "dimensions of a value", limit: counter.limits.maxRank)
            }
            var dimension = Dimension.free("")
            var inner = try field.message()
            try inner.forEach { field in
                switch field.number {
                case 1: dimension = .size(try field.int64())
                case 2: dimension = .free(try counter.name(field))
                default: break
                }
            }
            if case .size(let size) = dimension, size < 0 { dimension = .free("") }
            result.append(dimension)
        }
        return result
    }
}
