// SPDX-License-Identifier: MIT

extension JSONValue {
    /// The value as text without white space. JSON has no NaN and no infinities: those become null.
    public var text: String { String(decoding: bytes(), as: UTF8.self) }

    /// The value's text, without white space.
    ///
    /// - Parameter allowsNonFinite: Whether numbers that are not finite become `NaN`, `Infinity` and `-Infinity`, as
    ///   TensorFlow Serving and Python write them, and not null.
    package func bytes(allowsNonFinite: Bool = false) -> [UInt8] {
        var writer = JSONWriter(allowsNonFinite: allowsNonFinite)
        writer.write(self)
        return writer.output
    }

    /// The value as text on several lines, indented by two spaces; short arrays stay on one line.
    public var prettyText: String {
        var text = ""
        write(to: &text, indentation: 0)
        return text + "\n"
    }

    private func write(to text: inout String, indentation: Int) {
        let inner = String(repeating: " ", count: indentation + 2)
        let outer = String(repeating: " ", count: indentation)
        switch self {
        case .array(let items) where items.contains { $0.isContainer }:
            text += "[\n"
            for (index, item) in items.enumerated() {
                text += inner
                item.write(to: &text, indentation: indentation + 2)
                text += index + 1 < items.count ? ",\n" : "\n"
            }
            text += outer + "]"
        case .array(let items): text += "[" + items.map(\.text).joined(separator: ", ") + "]"
        case .object(let members) where !members.isEmpty:
            text += "{\n"
            for (index, member) in members.enumerated() {
                text += inner + JSONValue.string(member.name).text + ": "
                member.value.write(to: &text, indentation: indentation + 2)
                text += index + 1 < members.count ? ",\n" : "\n"
            }
            text += outer + "}"
        default: text += self.text
        }
    }

    private var isContainer: Bool {
        switch self {
        case .array, .object, .floats: true
        default: false
        }
    }
}

/// Writes values one behind the other.
private struct JSONWriter {
    let allowsNonFinite: Bool
    private(set) var output: [UInt8] = []

    init(allowsNonFinite: Bool) {
        self.allowsNonFinite = allowsNonFinite
    }

    mutating func write(_ value: JSONValue) {
        switch value {
        case .null: append("null")
        case .bool(let value): append(value ? "true" : "false")
        case .integer(let value): append(String(value))
        case .number(let value): write(value)
        case .float(let value): write(value)
        case .floats(let values, let shape): write(values[...], shape[...])
        case .string(let text): write(text)
        case .array(let items): list("[", items, "]") { $0.write($1) }
        case .object(let members):
            list("{", members, "}") { writer, member in
                writer.write(member.name)
                writer.append(":")
                writer.write(member.value)
            }
        }
    }

    private mutating func append(_ text: String) {
        output.append(contentsOf: text.utf8)
    }

    private mutating func list<Items: Collection>(
        _ open: String, _ items: Items, _ close: String, _ write: (inout JSONWriter, Items.Element) -> Void
    ) {
        append(open)
        var isFirst = true
        for item in items {
            if !isFirst { append(",") }
            isFirst = false
            write(&self, item)
        }
        append(close)
    }

    private mutating func write(_ value: some BinaryFloatingPoint & LosslessStringConvertible) {
        if value.isFinite { return append(String(value)) }
        append(!allowsNonFinite ? "null" : value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity")
    }

    private mutating func write(_ values: ArraySlice<Float>, _ shape: ArraySlice<Int>) {
        guard let length = shape.first else {
            if let value = values.first { write(value) }
            return
        }
        let stride = length == 0 ? 0 : values.count / length
        list("[", 0..<length, "]") { writer, index in
            let start = values.startIndex + index * stride
            writer.write(values[start..<(start + stride)], shape.dropFirst())
        }
    }

    private mutating func write(_ text: String) {
        append("\"")
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): output.append(contentsOf: [UInt8(ascii: "\\"), byte])
            case UInt8(ascii: "\n"): append("\\n")
            case UInt8(ascii: "\r"): append("\\r")
            case UInt8(ascii: "\t"): append("\\t")
            case 0..<0x20, 0x7F:
                let digits = String(byte, radix: 16)
                append("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
            default: output.append(byte)
            }
        }
        append("\"")
    }
}
