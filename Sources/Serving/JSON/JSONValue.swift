// SPDX-License-Identifier: MIT

/// A JSON document to be written.
package indirect enum JSONValue: Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    case object([(String, JSONValue)])
    case array([JSONValue])
    case string(String)
    case integer(Int)
    case number(Double)
    /// One Float, in the fewest digits that give it back.
    case float(Float)
    /// Floats in nested arrays of a shape, row by row.
    case floats([Float], shape: [Int])
    case bool(Bool)
    case null

    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int) { self = .integer(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(elements) }

    /// The document's text, without blanks. Numbers that are not finite become `NaN`, `Infinity` and `-Infinity`, as
    /// TensorFlow Serving and Python write them.
    package var bytes: [UInt8] {
        var output: [UInt8] = []
        write(to: &output)
        return output
    }

    private func write(to output: inout [UInt8]) {
        switch self {
        case .object(let members):
            output.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                Self.write(member.0, to: &output)
                output.append(UInt8(ascii: ":"))
                member.1.write(to: &output)
            }
            output.append(UInt8(ascii: "}"))
        case .array(let elements):
            output.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                element.write(to: &output)
            }
            output.append(UInt8(ascii: "]"))
        case .string(let text): Self.write(text, to: &output)
        case .integer(let value): output.append(contentsOf: String(value).utf8)
        case .number(let value): Self.write(value, to: &output)
        case .float(let value): Self.write(value, to: &output)
        case .floats(let values, let shape): Self.write(values[...], shape[...], to: &output)
        case .bool(let value): output.append(contentsOf: (value ? "true" : "false").utf8)
        case .null: output.append(contentsOf: "null".utf8)
        }
    }

    private static func write(_ value: some BinaryFloatingPoint & LosslessStringConvertible, to output: inout [UInt8]) {
        let text = value.isFinite ? String(value) : value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity"
        output.append(contentsOf: text.utf8)
    }

    private static func write(_ values: ArraySlice<Float>, _ shape: ArraySlice<Int>, to output: inout [UInt8]) {
        guard let length = shape.first else {
            if let value = values.first { write(value, to: &output) }
            return
        }
        let stride = length == 0 ? 0 : values.count / length
        output.append(UInt8(ascii: "["))
        for index in 0..<length {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            let start = values.startIndex + index * stride
            write(values[start..<(start + stride)], shape.dropFirst(), to: &output)
        }
        output.append(UInt8(ascii: "]"))
    }

    private static func write(_ text: String, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): output.append(contentsOf: [UInt8(ascii: "\\"), byte])
            case 0..<0x20, 0x7F:
                let digits = String(byte, radix: 16)
                output.append(contentsOf: ("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).utf8)
            default: output.append(byte)
            }
        }
        output.append(UInt8(ascii: "\""))
    }
}
