// SPDX-License-Identifier: MIT

import Protobuf

/// Writes ONNX models for tests. A size of an input is a number, or the name of one that is free.
package struct ModelBuilder {
    package var graph = ProtobufWriter()
    package var opset = 21
    package var extra: (inout ProtobufWriter) -> Void = { _ in }

    package init() {}

    package var bytes: [UInt8] {
        var writer = ProtobufWriter()
        writer.write(1, int64: 8)
        writer.write(2, string: "test")
        writer.write(7, bytes: graph.bytes)
        writer.write(8) { $0.write(2, int64: opset) }
        extra(&writer)
        return writer.bytes
    }

    package mutating func input(_ name: String, _ dimensions: [Any], type: Int = 1) {
        value(11, name, dimensions, type)
    }
    package mutating func output(_ name: String) { graph.write(12) { $0.write(1, string: name) } }
    package mutating func hint(_ name: String, _ dimensions: [Any]) { value(13, name, dimensions, 1) }

    private mutating func value(_ field: Int, _ name: String, _ dimensions: [Any], _ type: Int) {
        graph.write(field) { value in
            value.write(1, string: name)
            value.write(2) { holder in
                holder.write(1) { tensor in
                    tensor.write(1, int64: type)
                    tensor.write(2) { shape in
                        for dimension in dimensions {
                            shape.write(1) { entry in
                                if let size = dimension as? Int { entry.write(1, int64: size) }
                                if let name = dimension as? String { entry.write(2, string: name) }
                            }
                        }
                    }
                }
            }
        }
    }

    package mutating func node(
        _ op: String, _ inputs: [String], _ outputs: [String], name: String = "", domain: String = "",
        _ attributes: (String, Attribute)...
    ) {
        graph.write(1) { Self.node(&$0, op, inputs, outputs, name: name, domain: domain, attributes) }
    }

    package enum Attribute {
        case int(Int)
        case ints([Int])
        case float(Float)
        case string(String)
        case graph(ProtobufWriter)
        case tensor((inout ProtobufWriter) -> Void)
        case reference(String)
    }

    package static func node(
        _ writer: inout ProtobufWriter, _ op: String, _ inputs: [String], _ outputs: [String], name: String = "",
        domain: String = "", _ attributes: [(String, Attribute)]
    ) {
        for input in inputs { writer.write(1, string: input) }
        for output in outputs { writer.write(2, string: output) }
        writer.write(3, string: name)
        writer.write(4, string: op)
        writer.write(7, string: domain)
        for (name, value) in attributes {
            writer.write(5) { attribute in
                attribute.write(1, string: name)
                switch value {
                case .int(let value):
                    attribute.write(3, int64: value)
                    attribute.write(20, int64: 2)
                case .ints(let values):
                    attribute.write(8, packed: values)
                    attribute.write(20, int64: 7)
                case .float(let value):
                    attribute.write(2, float: value)
                    attribute.write(20, int64: 1)
                case .string(let value):
                    attribute.write(4, string: value)
                    attribute.write(20, int64: 3)
                case .graph(let graph):
                    attribute.write(6, bytes: graph.bytes)
                    attribute.write(20, int64: 5)
                case .tensor(let body):
                    attribute.write(5, message: body)
                    attribute.write(20, int64: 4)
                case .reference(let name):
                    attribute.write(21, string: name)
                    attribute.write(20, int64: 2)
                }
            }
        }
    }

    /// An initializer; `body` writes where its numbers stand.
    package mutating func tensor(_ name: String, _ dimensions: [Int], type: Int, _ body: (inout ProtobufWriter) -> Void)
    {
        graph.write(5) { tensor in
            for size in dimensions { tensor.write(1, int64: size) }
            tensor.write(2, int64: type)
            tensor.write(8, string: name)
            body(&tensor)
        }
    }

    package mutating func integers(_ name: String, _ values: [Int]) {
        tensor(name, [values.count], type: 7) { $0.write(7, packed: values) }
    }

    package mutating func floats(_ name: String, _ dimensions: [Int], _ values: [Float]) {
        tensor(name, dimensions, type: 1) { $0.write(4, packed: values) }
    }
}
