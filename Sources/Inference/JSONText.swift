// SPDX-License-Identifier: MIT

/// JSON written out in the order in which it is given, on one line.
public struct JSONText: Sendable, Equatable, CustomStringConvertible {
    /// The text.
    public let description: String

    private init(raw: String) {
        description = raw
    }

    /// A string, escaped.
    public static func string(_ text: String) -> JSONText {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return JSONText(raw: result + "\"")
    }

    /// A whole number.
    public static func number(_ value: Int) -> JSONText { JSONText(raw: String(value)) }

    /// A number as short as reads back the same; null for NaN and infinities, for which JSON has no words.
    public static func number(_ value: Float) -> JSONText { JSONText(raw: value.isFinite ? "\(value)" : "null") }

    /// A number as short as reads back the same; null for NaN and infinities.
    public static func number(_ value: Double) -> JSONText { JSONText(raw: value.isFinite ? "\(value)" : "null") }

    /// True or false.
    public static func bool(_ value: Bool) -> JSONText { JSONText(raw: value ? "true" : "false") }

    /// Null.
    public static let null = JSONText(raw: "null")

    /// A list.
    public static func array(_ values: [JSONText]) -> JSONText {
        JSONText(raw: "[" + values.map(\.description).joined(separator: ",") + "]")
    }

    /// An object, its fields in the order given.
    public static func object(_ fields: [(String, JSONText)]) -> JSONText {
        let parts = fields.map { JSONText.string($0.0).description + ":" + $0.1.description }
        return JSONText(raw: "{" + parts.joined(separator: ",") + "}")
    }
}
