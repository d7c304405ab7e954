// SPDX-License-Identifier: MIT

import Foundation

/// What Pillow made of a set of files; remade by `Tools/goldens/run images`.
enum Goldens {
    /// The folder beside this file.
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Goldens")

    /// The bytes of a golden file.
    static func bytes(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: folder.appending(path: path)))
    }

    /// The tab-separated fields of each line of a golden table.
    static func table(_ name: String) throws -> [[String]] {
        try String(contentsOf: folder.appending(path: name), encoding: .utf8)
            .split(separator: "\n").map { $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init) }
    }

    /// Bytes from hexadecimal digits.
    static func bytes(fromHex digits: String) -> [UInt8] {
        let values = digits.compactMap(\.hexDigitValue)
        return stride(from: 0, to: values.count - 1, by: 2).map { UInt8(values[$0] << 4 | values[$0 + 1]) }
    }
}
