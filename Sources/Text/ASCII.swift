// SPDX-License-Identifier: MIT

/// The classes of bytes that the grammars of HTTP and JSON name.
package enum ASCII {
    package static let tab = UInt8(ascii: "\t")
    package static let lineFeed = UInt8(ascii: "\n")
    package static let carriageReturn = UInt8(ascii: "\r")
    package static let space = UInt8(ascii: " ")
    package static let quote = UInt8(ascii: "\"")
    package static let percent = UInt8(ascii: "%")
    package static let comma = UInt8(ascii: ",")
    package static let dash = UInt8(ascii: "-")
    package static let slash = UInt8(ascii: "/")
    package static let colon = UInt8(ascii: ":")
    package static let semicolon = UInt8(ascii: ";")
    package static let equals = UInt8(ascii: "=")
    package static let question = UInt8(ascii: "?")
    package static let hash = UInt8(ascii: "#")
    package static let underscore = UInt8(ascii: "_")
    package static let backslash = UInt8(ascii: "\\")

    package static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    package static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 }

    /// What a method or field name is made of.
    ///
    /// - Source: `tchar`, RFC 9110, section 5.6.2.
    package static func isToken(_ byte: UInt8) -> Bool {
        if isLetter(byte) || isDigit(byte) { return true }
        switch byte {
        case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E...0x60, 0x7C, 0x7E: return true
        default: return false
        }
    }

    /// Letters, digits and punctuation.
    ///
    /// - Source: `VCHAR`, RFC 5234, appendix B.1.
    package static func isVisible(_ byte: UInt8) -> Bool { byte > 0x20 && byte < 0x7F }

    /// What is visible, and the space.
    package static func isPrintable(_ byte: UInt8) -> Bool { byte >= 0x20 && byte < 0x7F }

    /// - Source: `CTL`, RFC 5234, appendix B.1.
    package static func isControl(_ byte: UInt8) -> Bool { byte < 0x20 || byte == 0x7F }

    /// What a field value is made of: visible bytes, space, tab, and bytes above ASCII.
    package static func isFieldValue(_ byte: UInt8) -> Bool { !isControl(byte) || byte == tab }

    package static func isBlank(_ byte: UInt8) -> Bool { byte == space || byte == tab }

    /// A hexadecimal digit's value, nil for any other byte.
    package static func hexValue(_ byte: UInt8) -> UInt8? {
        if isDigit(byte) { return byte - 0x30 }
        let letter = byte | 0x20
        return letter &- 0x61 < 6 ? letter - 0x61 + 10 : nil
    }

    package static func lowercased(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }

    /// Without the spaces and tabs at both ends.
    package static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes
        while let first = bytes.first, isBlank(first) { bytes.removeFirst() }
        while let last = bytes.last, isBlank(last) { bytes.removeLast() }
        return bytes
    }

    /// Whether the bytes spell `text`, in any case of ASCII letters.
    package static func equal(_ bytes: some Collection<UInt8>, ignoringCase text: StaticString) -> Bool {
        text.withUTF8Buffer { text in
            // A loop over an unknown collection asks the runtime for each byte: nearly all have theirs in one place.
            bytes.withContiguousStorageIfAvailable { equal($0, text) } ?? equal(Array(bytes), text)
        }
    }

    private static func equal(_ bytes: UnsafeBufferPointer<UInt8>, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard bytes.count == text.count else { return false }
        for index in text.indices where lowercased(bytes[index]) != lowercased(text[index]) { return false }
        return true
    }

    private static func equal(_ bytes: [UInt8], _ text: UnsafeBufferPointer<UInt8>) -> Bool {
        bytes.withUnsafeBufferPointer { equal($0, text) }
    }
}
