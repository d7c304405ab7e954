// SPDX-License-Identifier: MIT

import Checkpoints
import Tensors
import TestSupport
import Testing

/// A checkpoint file and the text beside it, which says what PyTorch reads from it.
struct GoldenCheckpoint: CustomTestStringConvertible, Sendable {
    struct ExpectedTensor: Sendable {
        let name: String
        let type: String
        let sizes: [Int]
        let bytes: [UInt8]
    }

    let name: String
    let tensors: [ExpectedTensor]
    private let fields: [(key: String, value: String)]

    var testDescription: String { name }
    var path: String { "\(goldensFolder())/\(file)" }
    private let file: String

    /// All values of a field.
    func values(of key: String) -> [String] { fields.filter { $0.key == key }.map(\.value) }

    /// All files that have a text beside them.
    static let all: [GoldenCheckpoint] = {
        let files = fileNames(in: goldensFolder()).sorted()
        return files.filter { $0.hasSuffix(".txt") }.compactMap { text in
            let stem = String(text.dropLast(4))
            let file = files.first { $0 != text && $0.hasPrefix(stem + ".") }
            return file.map { GoldenCheckpoint(name: stem, file: $0) }
        }
    }()

    /// The text of a name, with or without a file beside it.
    init(name: String, file: String = "") {
        self.name = name
        self.file = file
        var tensors: [ExpectedTensor] = []
        var fields: [(key: String, value: String)] = []
        for line in String(decoding: readFile("\(goldensFolder())/\(name).txt") ?? [], as: UTF8.self).split(
            separator: "\n")
        {
            let parts = line.split(separator: ":", maxSplits: 1).map { String($0) }
            let value = String(parts[1].dropFirst())
            if parts[0] == "tensor" { tensors.append(ExpectedTensor(value)) } else { fields.append((parts[0], value)) }
        }
        self.tensors = tensors
        self.fields = fields
    }
}

extension GoldenCheckpoint.ExpectedTensor {
    /// Reads `name type sizes digits`.
    fileprivate init(_ line: String) {
        let parts = line.split(separator: " ").map { String($0) }
        name = parts[0]
        type = parts[1]
        sizes = parts[2] == "-" ? [] : parts[2].split(separator: ",").compactMap { Int($0) }
        let digits = parts[3] == "-" ? [] : Array(parts[3].utf8)
        bytes = stride(from: 0, to: digits.count, by: 2).compactMap {
            UInt8(String(decoding: digits[$0...($0 + 1)], as: UTF8.self), radix: 16)
        }
    }
}
