// SPDX-License-Identifier: MIT

import HTTP
import Text

/// The keys that open the server.
package struct APIKeys: Sendable {
    /// The shortest key taken from a file, in bytes.
    package static let minKeyBytes = 16

    private let keys: [[UInt8]]

    /// Reads the text of a key file: a key on each line; blank lines and those that begin with `#` are skipped.
    ///
    /// - Returns: nil if a key is shorter than ``minKeyBytes``, holds a blank, or there is none.
    package init?(_ text: String) {
        keys = text.split(whereSeparator: \.isNewline).map { line in
            Array(line.trimmingBlanks.utf8)
        }.filter { !$0.isEmpty && $0.first != UInt8(ascii: "#") }
        let areGood = keys.allSatisfy { key in
            key.count >= Self.minKeyBytes && key.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        }
        if keys.isEmpty || !areGood { return nil }
    }

    /// Whether a request brings one of the keys, as `Authorization: Bearer <key>` or `access_token: <key>`.
    func admit(_ headers: HeaderFields) -> Bool {
        var given: [ByteText] = []
        if let authorization = headers["authorization"] {
            let parts = authorization.split(separator: ASCII.space, maxSplits: 1)
            if parts.count == 2, parts[0].equals(ignoringCase: "bearer") { given.append(parts[1].trimmed) }
        }
        if let token = headers["access_token"] { given.append(token) }
        return given.contains { isKey(Array($0.utf8)) }
    }

    /// Compares with every key, byte by byte to the end, so that the time tells nothing but the length of what came.
    private func isKey(_ given: [UInt8]) -> Bool {
        var found: UInt8 = 0
        for key in keys {
            var difference: UInt8 = key.count == given.count ? 0 : 1
            for index in given.indices { difference |= given[index] ^ key[index % key.count] }
            found |= difference == 0 ? 1 : 0
        }
        return found == 1
    }
}

extension StringProtocol {
    /// Without the blanks at both ends.
    fileprivate var trimmingBlanks: String {
        let start = drop { $0 == " " || $0 == "\t" }
        return String(start.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}
