// SPDX-License-Identifier: MIT

import Protobuf

/// ONNX's ModelProto: what matters of it. Tensors stay in the file's bytes.
///
/// - Source: onnx.proto of github.com/onnx/onnx.
struct ModelMessage {
    var irVersion = 0
    var producerName = ""
    var producerVersion = ""
    var graph: GraphMessage?
    /// Versions of the operators by their domain; ONNX's own is "".
    var opsets: [String: Int] = [:]
    var metadata: [(key: String, value: String)] = []
    var functions: [FunctionMessage] = []

    init(_ bytes: UnsafeRawBufferPointer, _ counter: ItemCounter) throws {
        var reader = ProtobufReader(bytes)
        var metadataBytes = 0
        try reader.forEach { field in
            switch field.number {
            case 1: irVersion = try field.int64()
            case 2: producerName = try counter.name(field)
            case 3: producerVersion = try counter.name(field)
            case 7: graph = try GraphMessage(field.message(), counter)
            case 8:
                let (domain, version) = try ModelMessage.opset(field.message(), counter)
                opsets[domain] = version
            case 14:
                let entry = try ModelMessage.entry(field.message(), counter)
                metadataBytes += entry.key.utf8.count + entry.value.utf8.count
                guard metadataBytes <= counter.limits.maxMetadataBytes else {
                    throw ONNXError.limit(what: "bytes of metadata", limit: counter.limits.maxMetadataBytes)
                }
                metadata.append(entry)
            case 25: functions.append(try FunctionMessage(field.message(), counter))
            default: break
            }
        }
    }

    static func opset(_ message: ProtobufReader, _ counter: ItemCounter) throws -> (domain: String, version: Int) {
        var reader = message
        var (domain, version) = ("", 0)
        try reader.forEach { field in
            switch field.number {
            case 1: domain = normalized(domain: try counter.name(field))
            case 2: version = try field.int64()
            default: break
            }
        }
        return (domain, version)
    }

    static func entry(_ message: ProtobufReader, _ counter: ItemCounter) throws -> (key: String, value: String) {
        var reader = message
        var (key, value) = ("", "")
        try counter.count()
        try reader.forEach { field in
            switch field.number {
            case 1: key = try counter.name(field)
            case 2: value = try field.string(limit: counter.limits.maxMetadataBytes)
            default: break
            }
        }
        return (key, value)
    }

    /// ONNX's own domain has two names.
    static func normalized(domain: String) -> String { domain == "ai.onnx" ? "" : domain }
}

/// FunctionProto: an operator that is made of others.
struct FunctionMessage {
    var name = ""
    var domain = ""
    var overload = ""
    var inputs: [String] = []
    var outputs: [String] = []
    /// Attributes that callers give, and those that have a default.
    var attributes: [String] = []
    var defaults: [AttributeMessage] = []
    var nodes: [NodeMessage] = []
    var opsets: [String: Int] = [:]

    init(_ message: ProtobufReader, _ counter: ItemCounter) throws {
        var reader = message
        try counter.count()
        try reader.forEach { field in
            switch field.number {
            case 1: name = try counter.name(field)
            case 4: inputs.append(try counter.name(field))
            case 5: outputs.append(try counter.name(field))
            case 6: attributes.append(try counter.name(field))
            case 7: nodes.append(try NodeMessage(field.message(), counter))
            case 9:
                let (domain, version) = try ModelMessage.opset(field.message(), counter)
                opsets[domain] = version
            case 10: domain = ModelMessage.normalized(domain: try counter.name(field))
            case 11: defaults.append(try AttributeMessage(field.message(), counter))
            case 13: overload = try counter.name(field)
            default: break
            }
        }
    }
}
