// SPDX-License-Identifier: MIT

/// A strict reader of JSON (RFC 8259) that refuses what readers disagree about: a name that occurs twice, and nesting
/// beyond a bound.
struct JSONReader {
    private let bytes: UnsafeRawBufferPointer
    private var offset = 0
    private let part: String
    private let maxDepth: Int

    /// Reads one value and the white space around it; nothing else may follow.
    ///
    /// - Throws: `CheckpointError.malformed` or `.clashingNames`.
    static func read(_ region: ByteRegion, part: String, maxDepth: Int = 16) throws -> JSONValue {
        try withExtendedLifetime(region) {
            var reader = JSONReader(bytes: region.bytes, part: part, maxDepth: maxDepth)
            let value = try reader.value(depth: 0)
            reader.skipSpace()
            guard reader.offset == region.count else { throw reader.malformed("text after the value") }
            return value
        }
    }

    private init(bytes: UnsafeRawBufferPointer, part: String, maxDepth: Int) {
        self.bytes = bytes
        self.part = part
        self.maxDepth = maxDepth
    }

    private mutating func value(depth: Int) throws -> JSONValue {
        guard depth < maxDepth else { throw malformed("nested more than \(maxDepth) deep") }
        skipSpace()
        switch peek {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func object(depth: Int) throws -> JSONValue {
        offset += 1
        var members: [JSONValue.Member] = []
        var names: Set<String> = []
        if try close(UInt8(ascii: "}"), first: true) { return .object([]) }
        repeat {
            skipSpace()
            guard peek == UInt8(ascii: "\"") else { throw malformed("a name is expected") }
            let name = try string()
            guard names.insert(name).inserted else { throw CheckpointError.clashingNames(first: name, second: name) }
            skipSpace()
            guard peek == UInt8(ascii: ":") else { throw malformed("a colon is expected") }
            offset += 1
            members.append(JSONValue.Member(name, try value(depth: depth + 1)))
        } while try !close(UInt8(ascii: "}"), first: false)
        return .object(members)
    }

    private mutating func array(depth: Int) throws -> JSONValue {
        offset += 1
        var items: [JSONValue] = []
        if try close(UInt8(ascii: "]"), first: true) { return .array([]) }
        repeat { items.append(try value(depth: depth + 1)) } while try !close(UInt8(ascii: "]"), first: false)
        return .array(items)
    }

    /// Takes the closing bracket (true), or the comma before another item (false).
    private mutating func close(_ bracket: UInt8, first: Bool) throws -> Bool {
        skipSpace()
        if peek == bracket {
            offset += 1
            return true
        }
        if first { return false }
        guard peek == UInt8(ascii: ",") else { throw malformed("a comma or a closing bracket is expected") }
        offset += 1
        return false
    }

    private mutating func word(_ word: String, _ value: JSONValue) throws -> JSONValue {
        for byte in word.utf8 {
            guard peek == byte else { throw malformed("an unknown word") }
            offset += 1
        }
        return value
    }

    private mutating func number() throws -> JSONValue {
        let start = offset
        if peek == UInt8(ascii: "-") { offset += 1 }
        let leading = peek
        let whole = digits()
        guard whole > 0, whole == 1 || leading != UInt8(ascii: "0") else { throw malformed("a value is expected") }
        var isWhole = true
        if peek == UInt8(ascii: ".") {
            isWhole = false
            offset += 1
            guard digits() > 0 else { throw malformed("digits are expected") }
        }
        if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
            isWhole = false
            offset += 1
            if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { offset += 1 }
            guard digits() > 0 else { throw malformed("digits are expected") }
        }
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        if isWhole, let value = Int(text) { return .int(value) }
        guard let value = Double(text), value.isFinite else { throw malformed("a number out of range") }
        return .double(value)
    }

    private mutating func digits() -> Int {
        let start = offset
        while let byte = peek, (0x30...0x39).contains(byte) { offset += 1 }
        return offset - start
    }

    private var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { offset += 1 }
    }

    private func malformed(_ reason: String) -> CheckpointError {
        .malformed(part: part, offset: offset, reason: reason)
    }
}

// MARK: - Strings

extension JSONReader {
    private mutating func string() throws -> String {
        offset += 1
        var result: [UInt8] = []
        while let byte = peek {
            offset += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: result, as: UTF8.self) else {
                    throw malformed("text that is not UTF-8")
                }
                return text
            case UInt8(ascii: "\\"): result.append(contentsOf: String(Character(try escaped())).utf8)
            case 0..<0x20: throw malformed("a control character in a string")
            default: result.append(byte)
            }
        }
        throw malformed("a string without an end")
    }

    private mutating func escaped() throws -> Unicode.Scalar {
        guard let kind = peek else { throw malformed("a string without an end") }
        offset += 1
        switch kind {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(kind)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw malformed("an unknown escape")
        }
    }

    private mutating func unicodeEscape() throws -> Unicode.Scalar {
        var code = try codeUnit()
        if (0xD800..<0xDC00).contains(code) {
            guard peek == UInt8(ascii: "\\") else { throw malformed("half a surrogate pair") }
            offset += 1
            guard peek == UInt8(ascii: "u") else { throw malformed("half a surrogate pair") }
            offset += 1
            let low = try codeUnit()
            guard (0xDC00..<0xE000).contains(low) else { throw malformed("half a surrogate pair") }
            code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw malformed("half a surrogate pair") }
        return scalar
    }

    private mutating func codeUnit() throws -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw malformed("four hexadecimal digits are expected")
            }
            code = code << 4 | UInt32(digit)
            offset += 1
        }
        return code
    }
}
