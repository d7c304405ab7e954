// SPDX-License-Identifier: MIT

import Protobuf

/// AttributeProto: a name and a value.
struct AttributeMessage {
    enum Value {
        case float(Double)
        case integer(Int)
        case string(String)
        case tensor(TensorMessage)
        indirect case graph(GraphMessage)
        case floats([Double])
        case integers([Int])
        case strings([String])
        /// In a function: the caller's attribute of that name.
        case reference(String)
        /// Sparse tensors, types, lists of graphs.
        case other
    }

    var name = ""
    var value = Value.other

    init(name: String, value: Value) {
        self.name = name
        self.value = value
    }

    init(_ message: ProtobufReader, _ counter: ItemCounter) throws {
        var reader = message
        try counter.count()
        var type = 0
        var (integer, float, string, reference) = (0, 0.0, "", "")
        var (integers, floats, strings): ([Int], [UInt8], [String]) = ([], [], [])
        var (tensor, graph): (TensorMessage?, GraphMessage?)
        // Files of the first versions do not say the type: it is that of the field that is there.
        var seen = 0
        try reader.forEach { field in
            switch field.number {
            case 1: name = try counter.name(field)
            case 2: float = Double(try field.float())
            case 3: integer = try field.int64()
            case 4: string = try AttributeMessage.text(field, counter)
            case 5: tensor = try TensorMessage(field.message(), counter)
            case 6: graph = try GraphMessage(field.message(), counter)
            case 7:
                try field.appendFixed(to: &floats, size: 4, limit: floats.count + 4 * max(counter.left, 0))
                try counter.count()
            case 8: try counter.integers(field, to: &integers)
            case 9: strings.append(try AttributeMessage.text(field, counter))
            case 20: type = try field.int32()
            case 21: reference = try counter.name(field)
            default: break
            }
            if (2...9).contains(field.number) { seen = field.number }
        }
        if !reference.isEmpty {
            value = .reference(reference)
            return
        }
        switch type == 0 ? seen - 1 : type {
        case 1: value = .float(float)
        case 2: value = .integer(integer)
        case 3: value = .string(string)
        case 4: value = tensor.map { .tensor($0) } ?? .other
        case 5: value = graph.map { .graph($0) } ?? .other
        case 6:
            try counter.count(floats.count / 4)
            value = .floats(
                floats.withUnsafeBytes { bytes in
                    (0..<(bytes.count / 4)).map { Double(bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self)) }
                })
        case 7: value = .integers(integers)
        case 8: value = .strings(strings)
        default: value = .other
        }
    }

    /// Attributes' strings are bytes: those that are no text are of no operator that is known.
    private static func text(_ field: ProtobufField, _ counter: ItemCounter) throws -> String {
        try counter.count()
        let bytes = try field.bytes()
        guard bytes.count <= counter.limits.maxNameBytes else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }
}
