// SPDX-License-Identifier: MIT

import Text

/// Reads JSON from front to back, building nothing but what it is asked for.
///
/// Each `read…` function reads the value that comes next and throws ``JSONError`` if it is of another kind.
///
/// - Source: RFC 8259, read strictly.
package struct JSONReader: Sendable {
    /// What kind of value comes next.
    package enum Kind: Equatable, Sendable {
        case object, array, string, number, literal, nothing
    }

    /// The deepest nesting of arrays and objects.
    package static let maxDepth = 32
    /// The most members of one object, unless a reader is told otherwise.
    package static let maxMembers = 1024

    /// Whether `NaN`, `Infinity` and `-Infinity` count as numbers, as TensorFlow Serving has it.
    package let allowsNonFinite: Bool

    let bytes: ArraySlice<UInt8>
    var position: Int
    private let maxMembers: Int
    private var depth = 0

    /// A reader at the text's start.
    package init(_ bytes: ArraySlice<UInt8>, allowsNonFinite: Bool = false, maxMembers: Int = Self.maxMembers) {
        self.bytes = bytes
        self.allowsNonFinite = allowsNonFinite
        self.maxMembers = maxMembers
        position = bytes.startIndex
    }

    /// The kind of the next value.
    package mutating func nextKind() -> Kind {
        switch skipBlanks() {
        case nil: .nothing
        case UInt8(ascii: "{"): .object
        case UInt8(ascii: "["): .array
        case UInt8(ascii: "\""): .string
        case let byte? where byte == UInt8(ascii: "-") || byte &- 0x30 < 10: .number
        case UInt8(ascii: "N"), UInt8(ascii: "I"): allowsNonFinite ? .number : .literal
        default: .literal
        }
    }

    /// Reads an object, calling `member` with each name to read its value. Names are equal if their bytes are.
    package mutating func readObject(_ member: (inout JSONReader, ByteText) throws -> Void) throws {
        try open("{", "an object")
        var names = MemberNames()
        if !take(UInt8(ascii: "}")) {
            repeat {
                let offset = position
                let name = try readString()
                guard names.insert(name) else { throw error(.duplicateKey(name.description), at: offset) }
                guard names.count <= maxMembers else { throw error(.tooMany(limit: maxMembers), at: offset) }
                try expect(":")
                try member(&self, name)
            } while take(UInt8(ascii: ","))
            try expect("}")
        }
        depth -= 1
    }

    /// Reads an array, calling `element` to read each value.
    package mutating func readArray(_ element: (inout JSONReader) throws -> Void) throws {
        try open("[", "an array")
        if !take(UInt8(ascii: "]")) {
            repeat { try element(&self) } while take(UInt8(ascii: ","))
            try expect("]")
        }
        depth -= 1
    }

    /// Reads `true` or `false`.
    package mutating func readBool() throws -> Bool {
        if takeWord("true") { return true }
        if takeWord("false") { return false }
        throw error(.expected("true or false"))
    }

    /// Reads `null`, if it comes next.
    package mutating func takeNull() -> Bool { takeWord("null") }

    /// Reads past any value.
    package mutating func skipValue() throws {
        switch nextKind() {
        case .object: try readObject { reader, _ in try reader.skipValue() }
        case .array: try readArray { try $0.skipValue() }
        case .string: _ = try readString()
        case .number: _ = try readNumber()
        case .nothing: throw error(.truncated)
        case .literal: if !takeNull() { _ = try readBool() }
        }
    }

    /// Makes sure that nothing but blanks is left.
    package mutating func finish() throws {
        if skipBlanks() != nil { throw error(.expected("the end of the text")) }
    }

    // MARK: Pieces

    /// Steps over blanks; the byte behind them, which stays to be read.
    mutating func skipBlanks() -> UInt8? {
        while position < bytes.endIndex {
            let byte = bytes[position]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return byte }
            position += 1
        }
        return nil
    }

    /// Steps over blanks and this byte, if it comes next.
    package mutating func take(_ byte: UInt8) -> Bool {
        guard skipBlanks() == byte else { return false }
        position += 1
        return true
    }

    mutating func expect(_ text: Unicode.Scalar) throws {
        if !take(UInt8(ascii: text)) { throw error(.expected("'\(text)'")) }
    }

    mutating func open(_ bracket: Unicode.Scalar, _ what: String) throws {
        if !take(UInt8(ascii: bracket)) { throw error(.expected(what)) }
        depth += 1
        if depth > Self.maxDepth { throw error(.tooDeep(limit: Self.maxDepth)) }
    }

    mutating func takeWord(_ word: StaticString) -> Bool {
        guard skipBlanks() != nil else { return false }
        let isNext = word.withUTF8Buffer { bytes[position...].starts(with: $0) }
        if isNext { position += word.utf8CodeUnitCount }
        return isNext
    }

    /// An error here; one at the text's end says so.
    package func error(_ problem: JSONError.Problem, at offset: Int? = nil) -> JSONError {
        let position = offset ?? position
        let isAtEnd = position >= bytes.endIndex
        return JSONError(problem: isAtEnd ? .truncated : problem, offset: position - bytes.startIndex)
    }
}

/// The names of an object's members so far.
private struct MemberNames {
    /// So many are compared one by one, which is quicker than a set.
    private static let most = 16

    private var few: [ByteText] = []
    private var many: Set<ByteText> = []

    var count: Int { many.isEmpty ? few.count : many.count }

    /// Takes a name; false if it is there already.
    mutating func insert(_ name: ByteText) -> Bool {
        if !many.isEmpty { return many.insert(name).inserted }
        if few.contains(name) { return false }
        few.append(name)
        if few.count > Self.most { many = Set(few) }
        return true
    }
}
