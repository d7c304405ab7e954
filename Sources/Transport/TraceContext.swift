// SPDX-License-Identifier: MIT

import HTTP
import Text

/// The place of a request in a trace over several programs, as its client names it.
///
/// - Source: W3C Trace Context, section 3.2 (the `traceparent` header).
package struct TraceContext: Equatable, Sendable {
    /// The header's value, checked: `00-<trace>-<parent>-<flags>`.
    package let text: String

    /// Reads the header; nil if there is none, more than one, or one that breaks the rules, which is to be ignored.
    package init?(_ headers: HeaderFields) {
        guard headers.count(of: "traceparent") == 1, let value = headers["traceparent"] else { return nil }
        let parts = value.split(separator: ASCII.dash)
        // A later version may add to the four parts; version 00 has no more, and ff is none.
        guard parts.count >= 4, value.utf8.count <= 256, Self.isHexadecimal(parts[0], 2), parts[0] != "ff",
            parts.count == 4 || parts[0] != "00", Self.isHexadecimal(parts[1], 32), Self.isHexadecimal(parts[2], 16),
            Self.isHexadecimal(parts[3], 2), parts[1...2].allSatisfy({ $0.utf8.contains { $0 != UInt8(ascii: "0") } }),
            value.utf8.allSatisfy(ASCII.isVisible)
        else { return nil }
        text = value.string
    }

    private static func isHexadecimal(_ text: ByteText, _ count: Int) -> Bool {
        text.utf8.count == count && text.utf8.allSatisfy { ASCII.isDigit($0) || (0x61...0x66).contains($0) }
    }
}
