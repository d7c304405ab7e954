// SPDX-License-Identifier: MIT

import Text

/// A JSON document. Objects keep the order of their members, so that a file that is read and written again stays the same.
public indirect enum JSONValue: Sendable, Equatable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    /// One Float, in the fewest digits that give it back. Never read, only written.
    case float(Float)
    /// Floats in nested arrays of a shape, row by row. Never read, only written.
    case floats([Float], shape: [Int])
    case string(String)
    case array([JSONValue])
    case object([Member])

    /// A name and its value.
    public struct Member: Sendable, Equatable {
        /// The name.
        public var name: String
        /// The value.
        public var value: JSONValue

        /// Pairs a name with a value.
        public init(_ name: String, _ value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    /// An object of pairs.
    @_disfavoredOverload
    public static func object(_ members: [(String, JSONValue)]) -> JSONValue {
        .object(members.map { Member($0.0, $0.1) })
    }

    /// A string.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A whole number.
    public init(integerLiteral value: Int) { self = .integer(value) }
    /// True or false.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// An array.
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    /// An object; its members stay in this order.
    public init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(elements) }

    /// The member of an object by name; nil removes it, a new one is added at the end.
    public subscript(name: String) -> JSONValue? {
        get {
            guard case .object(let members) = self else { return nil }
            return members.first { haveSameBytes($0.name, name) }?.value
        }
        set {
            guard case .object(var members) = self else { return }
            let index = members.firstIndex { haveSameBytes($0.name, name) }
            switch (index, newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil): members.remove(at: index)
            case (nil, let value?): members.append(Member(name, value))
            case (nil, nil): break
            }
            self = .object(members)
        }
    }

    /// The text of a string.
    public var string: String? {
        guard case .string(let value) = self else { return nil }
        return value
    }

    /// The items of an array.
    public var array: [JSONValue]? {
        guard case .array(let items) = self else { return nil }
        return items
    }

    /// The members of an object.
    public var members: [Member]? {
        guard case .object(let members) = self else { return nil }
        return members
    }
}

// MARK: - Reading

extension JSONValue {
    /// Reads a whole JSON text, strictly: a name must not occur twice in one object.
    ///
    /// - Parameter maxMembers: The most members of one object.
    /// - Throws: ``JSONError``.
    public init(parsing bytes: [UInt8], maxMembers: Int = 1 << 20) throws(JSONError) {
        var reader = JSONReader(bytes[...], maxMembers: maxMembers)
        do {
            self = try reader.readValue()
            try reader.finish()
        } catch let error as JSONError {
            throw error
        } catch {
            throw reader.error(.expected("a value"))
        }
    }
}

extension JSONReader {
    /// Reads any value. Calls itself for what it holds, at most ``maxDepth`` levels deep.
    fileprivate mutating func readValue() throws -> JSONValue {
        switch nextKind() {
        case .object:
            var members: [JSONValue.Member] = []
            try readObject { reader, name in members.append(JSONValue.Member(name.string, try reader.readValue())) }
            return .object(members)
        case .array:
            var items: [JSONValue] = []
            try readArray { reader in items.append(try reader.readValue()) }
            return .array(items)
        case .string: return .string(try readString().string)
        case .number:
            let start = position
            let value = try readNumber()
            // A whole number stays exact, however many digits of an Int it has.
            let digits = bytes[start..<position]
            let isWhole = digits.allSatisfy { $0 &- 0x30 < 10 || $0 == UInt8(ascii: "-") }
            if isWhole, let integer = Int(String(decoding: digits, as: UTF8.self)) { return .integer(integer) }
            return .number(value)
        case .nothing: throw error(.truncated)
        case .literal:
            if takeNull() { return .null }
            guard let value = try? readBool() else { throw error(.expected("a value")) }
            return .bool(value)
        }
    }
}
