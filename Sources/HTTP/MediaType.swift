// SPDX-License-Identifier: MIT

import Text

/// A Content-Type or an element of Accept: `multipart/form-data; boundary=x`.
///
/// - Source: RFC 9110, sections 8.3.1 and 5.6.6.
package struct MediaType: Equatable, Sendable {
    /// Type and subtype, in lower case: `application/json`.
    package let essence: ByteText
    /// The parameters; names in lower case, values without their quotes. The first of a name counts.
    package let parameters: [ByteText: ByteText]

    /// - Parameter text: A field value.
    /// - Returns: nil if the text is no media type.
    package init?(_ text: ByteText) {
        let bytes = Array(text.utf8)[...]
        let end = bytes.firstIndex(of: ASCII.semicolon) ?? bytes.endIndex
        let essence = ASCII.trimmed(bytes[..<end])
        let parts = essence.split(separator: ASCII.slash, omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(ASCII.isToken) }),
            let parameters = Self.parameters(bytes[end...])
        else { return nil }
        self.essence = ByteText(decoding: essence.map(ASCII.lowercased))
        self.parameters = parameters
    }

    /// Reads `; name=value; name="quoted value"`.
    ///
    /// - Returns: nil where the text is malformed.
    static func parameters(_ bytes: ArraySlice<UInt8>) -> [ByteText: ByteText]? {
        var parameters: [ByteText: ByteText] = [:]
        var rest = ASCII.trimmed(bytes)
        while rest.popFirst() == ASCII.semicolon {
            rest = ASCII.trimmed(rest)
            if rest.isEmpty { break }
            let name = rest.prefix(while: ASCII.isToken)
            rest = rest[name.endIndex...]
            guard !name.isEmpty, rest.popFirst() == ASCII.equals, let value = takeValue(&rest) else { return nil }
            let key = ByteText(decoding: name.map(ASCII.lowercased))
            if parameters[key] == nil { parameters[key] = value }
            rest = ASCII.trimmed(rest)
        }
        return rest.isEmpty ? parameters : nil
    }

    private static func takeValue(_ rest: inout ArraySlice<UInt8>) -> ByteText? {
        guard rest.first == ASCII.quote else {
            let value = rest.prefix(while: ASCII.isToken)
            rest = rest[value.endIndex...]
            return value.isEmpty ? nil : ByteText(decoding: value)
        }
        rest.removeFirst()
        var value: [UInt8] = []
        while let byte = rest.popFirst() {
            if byte == ASCII.quote { return ByteText(validating: value[...]) }
            guard let kept = byte == ASCII.backslash ? rest.popFirst() : byte else { return nil }
            value.append(kept)
        }
        return nil
    }
}
