// SPDX-License-Identifier: MIT

import Text

extension JSONReader {
    /// Reads a string.
    package mutating func readString() throws -> ByteText {
        if !take(UInt8(ascii: "\"")) { throw error(.expected("a string")) }
        let start = position
        let simple = bytes[position...].prefix { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") && $0 >= 0x20 }
        position = simple.endIndex
        if position < bytes.endIndex, bytes[position] == UInt8(ascii: "\"") {
            position += 1
            guard let text = ByteText(validating: simple) else { throw error(.malformedString, at: start) }
            return text
        }
        return try readEscaped(Array(simple), start: start)
    }

    /// Reads on from the first escape.
    private mutating func readEscaped(_ prefix: [UInt8], start: Int) throws -> ByteText {
        var text = prefix
        while position < bytes.endIndex {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = ByteText(validating: text[...]) else {
                    throw error(.malformedString, at: start)
                }
                return string
            case UInt8(ascii: "\\"): try readEscape(into: &text)
            case 0..<0x20: throw error(.malformedString, at: position - 1)
            default: text.append(byte)
            }
        }
        throw error(.truncated)
    }

    private mutating func readEscape(into text: inout [UInt8]) throws {
        guard position < bytes.endIndex else { throw error(.truncated) }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            text.append(contentsOf: Array(UTF8.encode(try readScalar()) ?? UTF8.encodedReplacementCharacter))
        default: throw error(.malformedString, at: position - 1)
        }
    }

    /// Reads the digits of `\u`, and the second half of a pair.
    private mutating func readScalar() throws -> Unicode.Scalar {
        let start = position
        var value = UInt32(try readHex())
        if value & 0xFC00 == 0xD800, bytes[position...].starts(with: "\\u".utf8) {
            position += 2
            let low = UInt32(try readHex())
            guard low & 0xFC00 == 0xDC00 else { throw error(.malformedString, at: start) }
            value = 0x10000 + (value & 0x3FF) << 10 + (low & 0x3FF)
        }
        guard let scalar = Unicode.Scalar(value) else { throw error(.malformedString, at: start) }
        return scalar
    }

    private mutating func readHex() throws -> UInt16 {
        let digits = bytes[position...].prefix(4)
        guard digits.count == 4 else { throw error(.truncated, at: bytes.endIndex) }
        var value: UInt16 = 0
        for digit in digits {
            guard let digit = ASCII.hexValue(digit) else { throw error(.malformedString) }
            value = value << 4 | UInt16(digit)
        }
        position += 4
        return value
    }
}
