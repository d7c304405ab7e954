// SPDX-License-Identifier: MIT

import HTTP
import Text

/// What the bearer of a key may do.
package struct Rights: OptionSet, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) { self.rawValue = rawValue }

    /// Ask models, and what is known of them.
    package static let predict = Rights(rawValue: 1)
    /// Read `/metrics`.
    package static let metrics = Rights(rawValue: 2)
    /// Load and unload models, where the server allows it at all.
    package static let admin = Rights(rawValue: 4)
    /// Those of a key that names none.
    package static let all: Rights = [.predict, .metrics, .admin]

    /// The words of the key file.
    package static let words: [(word: ByteText, right: Rights)] = [
        ("predict", .predict), ("metrics", .metrics), ("admin", .admin),
    ]

    /// The words for them, with commas between.
    var text: String { Self.words.filter { contains($0.right) }.map(\.word.string).joined(separator: ", ") }
}

/// The keys that open the server, and what each may do.
package struct APIKeys: Sendable {
    /// The shortest key taken from a file, in bytes.
    package static let minKeyBytes = 16

    private struct Key {
        let bytes: [UInt8]
        let rights: Rights
    }

    private let keys: [Key]

    /// Why a text is no key file. Says nothing of what stands in it.
    package struct Problem: Error, Equatable, Sendable, CustomStringConvertible {
        package let description: String
    }

    /// Reads the text of a key file: on each line a key, and behind it, if it may not do everything, what it may, with
    /// commas between: `KEY predict,metrics`. Blank lines and those that begin with `#` are skipped.
    ///
    /// - Throws: ``Problem`` if a key is shorter than ``minKeyBytes``, a line has more words or another right, or there is
    ///   no key.
    package init(_ text: [UInt8]) throws(Problem) {
        var keys: [Key] = []
        for (index, line) in text.split(separator: ASCII.lineFeed, omittingEmptySubsequences: false).enumerated() {
            let words = line.split { ASCII.isBlank($0) || $0 == ASCII.carriageReturn }
            guard let key = words.first, key.first != ASCII.hash else { continue }
            guard key.count >= Self.minKeyBytes, key.allSatisfy(ASCII.isVisible) else {
                throw Problem(
                    description: "line \(index + 1): a key has \(Self.minKeyBytes) printable characters or more")
            }
            guard words.count <= 2, let rights = words.count == 1 ? .all : Self.rights(words[1]) else {
                let words = Rights.words.map(\.word.string).joined(separator: ", ")
                throw Problem(
                    description:
                        "line \(index + 1): a key may be followed by what it may do, with commas between and no "
                        + "blanks: \(words)")
            }
            keys.append(Key(bytes: Array(key), rights: rights))
        }
        if keys.isEmpty { throw Problem(description: "there is no key in it") }
        self.keys = keys
    }

    private static func rights(_ text: ArraySlice<UInt8>) -> Rights? {
        var rights: Rights = []
        for word in ByteText(decoding: text).split(separator: ASCII.comma) {
            guard let right = Rights.words.first(where: { $0.word == word })?.right else { return nil }
            rights.formUnion(right)
        }
        return rights
    }

    /// What a request may do by the key that it brings, as `Authorization: Bearer <key>` or `access_token: <key>`; nil if it
    /// brings none that is known.
    func rights(of headers: HeaderFields) -> Rights? {
        var given: [ByteText] = []
        if let authorization = headers["authorization"] {
            let parts = authorization.split(separator: ASCII.space, maxSplits: 1)
            if parts.count == 2, parts[0].equals(ignoringCase: "bearer") { given.append(parts[1].trimmed) }
        }
        if let token = headers["access_token"] { given.append(token) }
        var found: Rights?
        for key in given { if let rights = rights(of: Array(key.utf8)) { found = (found ?? []).union(rights) } }
        return found
    }

    /// Compares with every key, byte by byte to the end, so that the time tells nothing but the length of what came.
    private func rights(of given: [UInt8]) -> Rights? {
        var isFound = false
        var rights = 0
        for key in keys {
            var difference: UInt8 = key.bytes.count == given.count ? 0 : 1
            for index in given.indices { difference |= given[index] ^ key.bytes[index % key.bytes.count] }
            let isEqual = difference == 0 ? 1 : 0
            rights |= key.rights.rawValue * isEqual
            isFound = isEqual == 1 || isFound
        }
        return isFound ? Rights(rawValue: rights) : nil
    }
}
