// SPDX-License-Identifier: MIT

import Glibc

/// Names of files as text. On Linux they are bytes, and need not be UTF-8: those of old archives and memory cards are not.
///
/// A path is a `String` everywhere in this package. Each of its bytes that is no part of UTF-8 stands in it as a scalar of
/// U+10FE80 to U+10FEFF, which no name bears, and becomes that byte again when the kernel is asked. So every name can be
/// read, listed and written, and strings are put together as ever.
package enum PathText {
    private static let escapes: ClosedRange<UInt32> = 0x10FE80...0x10FEFF
    private static let escapeBase: UInt32 = 0x10FE00

    /// The text of a name's bytes; the one way back is ``bytes(of:)``.
    package static func text(_ bytes: some Collection<UInt8>) -> String {
        if let plain = String(validating: bytes, as: UTF8.self), !plain.unicodeScalars.contains(where: isEscape) {
            return plain
        }
        var text = String.UnicodeScalarView()
        var rest = Array(bytes)[...]
        while let first = rest.first {
            let length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
            let scalar = String(validating: rest.prefix(length), as: UTF8.self)?.unicodeScalars.first
            if let scalar, !isEscape(scalar) {
                text.append(scalar)
                rest = rest.dropFirst(length)
            } else {
                text.append(Unicode.Scalar(escapeBase + UInt32(first)) ?? "?")
                rest = rest.dropFirst()
            }
        }
        return String(text)
    }

    /// The bytes that the kernel knows a path by.
    package static func bytes(of path: String) -> [UInt8] {
        guard path.unicodeScalars.contains(where: isEscape) else { return Array(path.utf8) }
        return path.unicodeScalars.flatMap { scalar in
            isEscape(scalar) ? [UInt8(truncatingIfNeeded: scalar.value)] : Array(String(scalar).utf8)
        }
    }

    /// The same, as calls of the C library take them.
    static func cString(_ path: String) -> [CChar] { bytes(of: path).map { CChar(bitPattern: $0) } + [0] }

    /// A path for people: a byte that is no UTF-8 as `\xE9`.
    package static func shown(_ path: String) -> String {
        guard path.unicodeScalars.contains(where: isEscape) else { return path }
        return path.unicodeScalars.map { scalar in
            isEscape(scalar) ? "\\x" + String(scalar.value & 0xFF, radix: 16, uppercase: true) : String(scalar)
        }.joined()
    }

    /// What stands behind the last slash.
    package static func lastComponent(_ path: String) -> String {
        let end = path.utf8.lastIndex { $0 != UInt8(ascii: "/") }
        guard let end else { return path }
        let trimmed = path.utf8[...end]
        let slash = trimmed.lastIndex(of: UInt8(ascii: "/"))
        return String(decoding: slash.map { trimmed[trimmed.index(after: $0)...] } ?? trimmed, as: UTF8.self)
    }

    /// A name within a folder.
    package static func joined(_ folder: String, _ name: String) -> String {
        folder.utf8.last == UInt8(ascii: "/") ? folder + name : "\(folder)/\(name)"
    }

    private static func isEscape(_ scalar: Unicode.Scalar) -> Bool { escapes.contains(scalar.value) }
}

extension ProcessEnvironment {
    /// The command's arguments, without its own name, as ``PathText`` has them.
    package static var arguments: [String] {
        (1..<max(1, Int(CommandLine.argc))).compactMap { index in
            CommandLine.unsafeArgv[index].map { argument in
                PathText.text(UnsafeRawBufferPointer(start: argument, count: strlen(argument)))
            }
        }
    }
}
