// SPDX-License-Identifier: MIT

extension String {
    /// The lines of a text in UTF-8, ended by LF or CRLF; empty ones at the end are none.
    package static func lines(of text: [UInt8]) -> [String] {
        var lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { line in
            String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
        }
        while lines.last == "" { lines.removeLast() }
        return lines
    }

    /// The text without each occurrence of another.
    package func withoutText(_ other: String) -> String {
        let (bytes, pattern) = (Array(utf8), Array(other.utf8))
        guard !pattern.isEmpty, bytes.count >= pattern.count else { return self }
        var (kept, index): ([UInt8], Int) = ([], 0)
        while index < bytes.count {
            if bytes[index...].starts(with: pattern) {
                index += pattern.count
            } else {
                kept.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: kept, as: UTF8.self)
    }
}
