// SPDX-License-Identifier: MIT

import SystemCalls

/// Text from files and their names, made safe for a terminal.
package enum Printable {
    /// The text on one line: `?` for characters that control a terminal or turn the direction of writing, `\xE9` for bytes of a name
    /// that are no text.
    package static func line(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                PathText.shown(text).unicodeScalars.map { scalar in
                    switch scalar.properties.generalCategory {
                    case .control, .format, .lineSeparator, .paragraphSeparator: "?"
                    default: scalar
                    }
                }))
    }

    /// A text of several lines, each made safe.
    package static func lines(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line(String($0)) }.joined(separator: "\n")
    }
}
