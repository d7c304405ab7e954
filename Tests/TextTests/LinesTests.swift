// SPDX-License-Identifier: MIT

import Testing
import Text

@Suite("Lines")
struct LinesTests {
    @Test(
        "end with LF or CRLF, and empty ones at the end are none",
        arguments: [
            ("", []), ("a", ["a"]), ("a\nb\n", ["a", "b"]), ("a\r\nb\r\n\n\n", ["a", "b"]), ("\na", ["", "a"]),
            ("a\u{2028}b", ["a\u{2028}b"]),
        ])
    func lines(text: String, expected: [String]) {
        #expect(String.lines(of: Array(text.utf8)) == expected)
    }

    @Test(
        "a text is taken out wherever it stands",
        arguments: [
            ("in /a/b: in /a", " /a", "in/b: in"), ("aaa", "aa", "a"), ("abc", "", "abc"), ("", "a", ""),
            ("ab", "abc", "ab"),
        ])
    func without(text: String, other: String, expected: String) {
        #expect(text.withoutText(other) == expected)
    }
}
