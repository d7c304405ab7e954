// SPDX-License-Identifier: MIT

/// Text from outside: a header's value, a part of a path, a name or a string of JSON. It is compared byte by byte.
///
/// Swift compares strings by Unicode's rules: `"K"` equals `"\u{212A}"`, and lowercased both are `k`. Another program that
/// reads the same bytes sees two different words, and what it takes for one request may be two. Nor is a character of
/// Swift's short: one letter may carry a megabyte of accents. So what comes from outside stays of this type until it is
/// stored or sent on, and only its description is shown.
package struct ByteText: Hashable, Sendable, ExpressibleByStringLiteral {
    /// The text, to be given on. It is not for comparisons.
    package let string: String

    /// Takes a string's bytes.
    package init(_ string: some StringProtocol) { self.string = String(string) }

    /// A word of the protocol.
    package init(stringLiteral: String) { string = stringLiteral }

    /// Takes bytes; what is not UTF-8 becomes U+FFFD.
    package init(decoding bytes: some Collection<UInt8>) { string = String(decoding: bytes, as: UTF8.self) }

    /// Takes bytes; what is not UTF-8 becomes U+FFFD.
    package init(decoding bytes: ArraySlice<UInt8>) {
        // An unknown collection would have the runtime asked for its bytes, for each word of a request.
        string = bytes.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }

    /// Takes bytes; nil if they are not UTF-8.
    package init?(validating bytes: ArraySlice<UInt8>) {
        let string: String? = bytes.withUnsafeBufferPointer { bytes in
            var all: UInt8 = 0
            for byte in bytes { all |= byte }
            return all < 0x80 ? String(decoding: bytes, as: UTF8.self) : String(validating: bytes, as: UTF8.self)
        }
        guard let string else { return nil }
        self.string = string
    }

    /// Whether these are the bytes.
    package func hasBytes(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard utf8.count == bytes.count else { return false }
        return utf8.withContiguousStorageIfAvailable { $0.elementsEqual(bytes) } ?? utf8.elementsEqual(bytes)
    }

    /// The bytes.
    package var utf8: String.UTF8View { string.utf8 }

    /// Whether there are no bytes.
    package var isEmpty: Bool { utf8.isEmpty }

    package static func == (left: ByteText, right: ByteText) -> Bool {
        left.utf8.withContiguousStorageIfAvailable { right.hasBytes($0) } ?? haveSameBytes(left.string, right.string)
    }

    package func hash(into hasher: inout Hasher) {
        var string = string
        string.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        hasher.combine(0xFF as UInt8)
    }

    // MARK: Pieces

    /// Whether the first bytes are those of a word.
    package func hasPrefix(_ prefix: ByteText) -> Bool { utf8.starts(with: prefix.utf8) }

    /// Whether the bytes are those of a word, in any case of ASCII letters.
    package func equals(ignoringCase word: StaticString) -> Bool { ASCII.equal(utf8, ignoringCase: word) }

    /// With ASCII letters in lower case, and all other bytes as they are.
    package var lowercased: ByteText { ByteText(decoding: utf8.map(ASCII.lowercased)) }

    /// Without the spaces and tabs at both ends.
    package var trimmed: ByteText { ByteText(decoding: ASCII.trimmed(Array(utf8)[...])) }

    /// The parts between the bytes of a kind, empty ones too.
    package func split(separator: UInt8, maxSplits: Int = .max) -> [ByteText] {
        utf8.split(separator: separator, maxSplits: maxSplits, omittingEmptySubsequences: false)
            .map { ByteText(Substring($0)) }
    }

    /// The number that one to `maxDigits` decimal digits and nothing else spell.
    ///
    /// - Precondition: `maxDigits` is at most 19.
    package func number(maxDigits: Int) -> Int? {
        precondition((1...19).contains(maxDigits), "an Int has at most 19 digits")
        guard (1...maxDigits).contains(utf8.count), utf8.allSatisfy(ASCII.isDigit) else { return nil }
        return Int(string)
    }
}

extension ByteText: CustomStringConvertible {
    /// The most bytes that are shown.
    package static let maxShownBytes = 100

    /// The text as it may be shown in a message: its first ``maxShownBytes`` bytes, `?` in place of control characters
    /// and of a letter that is cut.
    package var description: String { shown(maxBytes: Self.maxShownBytes) }

    /// The text as it may be shown, cut at a number of bytes.
    package func shown(maxBytes: Int) -> String {
        let shown = utf8.prefix(maxBytes).map { ASCII.isControl($0) ? ASCII.question : $0 }
        let text = String(decoding: shown, as: UTF8.self)
        return utf8.count > maxBytes ? text + "..." : text
    }
}

extension StringProtocol {
    /// With ASCII letters in lower case, and everything else as it is.
    package var asciiLowercased: String { ByteText(self).lowercased.string }
}

/// Whether two strings are the same bytes, in whatever rooms strings from outside are kept as `String`.
package func haveSameBytes(_ left: some StringProtocol, _ right: some StringProtocol) -> Bool {
    left.utf8.elementsEqual(right.utf8)
}
