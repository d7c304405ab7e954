// SPDX-License-Identifier: MIT

/// The escapes of protocol 0, which writes strings as Python source does.
enum PickleText {
    /// The bytes of a quoted Python 2 string literal, or nil where it is none.
    static func unquoted(_ line: UnsafeRawBufferPointer) -> [UInt8]? {
        guard line.count >= 2, let quote = line.first, quote == line.last, quote == 0x27 || quote == 0x22 else {
            return nil
        }
        var result: [UInt8] = []
        var rest = Array(line)[1..<(line.count - 1)]
        while let byte = rest.popFirst() {
            if byte == quote { return nil }
            guard byte == UInt8(ascii: "\\") else {
                result.append(byte)
                continue
            }
            guard let value = escapedByte(&rest) else { return nil }
            result.append(value)
        }
        return result
    }

    private static func escapedByte(_ rest: inout ArraySlice<UInt8>) -> UInt8? {
        guard let kind = rest.popFirst() else { return nil }
        switch kind {
        case UInt8(ascii: "n"): return 0x0A
        case UInt8(ascii: "r"): return 0x0D
        case UInt8(ascii: "t"): return 0x09
        case UInt8(ascii: "\\"), 0x27, 0x22: return kind
        case UInt8(ascii: "x"):
            guard let digits = String(validating: rest.prefix(2), as: UTF8.self) else { return nil }
            rest = rest.dropFirst(2)
            return hexadecimal(digits, count: 2).map { UInt8($0) }
        default: return nil
        }
    }

    /// The text of Python's raw-unicode-escape, where only `\u` and `\U` are escapes; nil where one is malformed.
    static func rawUnicodeEscape(_ text: String) -> String? {
        var result = String.UnicodeScalarView()
        var rest = Array(text.unicodeScalars)[...]
        while let scalar = rest.popFirst() {
            guard scalar == "\\", let kind = rest.first, kind == "u" || kind == "U" else {
                result.append(scalar)
                continue
            }
            let count = kind == "u" ? 4 : 8
            let digits = String(String.UnicodeScalarView(rest.dropFirst().prefix(count)))
            guard let code = hexadecimal(digits, count: count), let decoded = Unicode.Scalar(code) else { return nil }
            result.append(decoded)
            rest = rest.dropFirst(count + 1)
        }
        return String(result)
    }

    private static func hexadecimal(_ digits: String, count: Int) -> UInt32? {
        guard digits.utf8.count == count, !digits.hasPrefix("+"), !digits.hasPrefix("-") else { return nil }
        return UInt32(digits, radix: 16)
    }
}
