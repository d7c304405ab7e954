// SPDX-License-Identifier: MIT

/// Results of another implementation, stored in a file: a text header, an empty line, then Float32 values.
///
/// The header has a line `key: value` for each setting, and a line `tensor: name 1,3,7,9` for each tensor, in the order in
/// which their little-endian values follow; a third word `uint8` says that they are bytes. Scripts in `Tools/goldens` write such files.
public struct Golden: Sendable, CustomStringConvertible {
    /// A tensor of the file.
    public struct Values: Sendable {
        /// Sizes, outermost first.
        public let shape: [Int]
        /// Elements in row-major order.
        public let values: [Float]
    }

    /// The file's name without its extension.
    public let name: String
    private let settings: [String: String]
    private let tensors: [String: Values]

    /// Reads a file.
    ///
    /// - Throws: `GoldenError` if it is missing or contradicts itself.
    public init(path: String) throws {
        guard let bytes = readFile(path) else { throw GoldenError(path: path, reason: "can't be read") }
        guard let end = bytes.indices.dropLast().first(where: { bytes[$0] == 10 && bytes[$0 + 1] == 10 }) else {
            throw GoldenError(path: path, reason: "has no end of its header")
        }
        var settings: [String: String] = [:]
        var shapes: [(name: String, shape: [Int], isBytes: Bool)] = []
        for line in String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            if line[..<colon] == "tensor" {
                let words = value.split(separator: " ", omittingEmptySubsequences: false)
                let sizes = words.count > 1 ? words[1].split(separator: ",").compactMap { Int($0) } : []
                shapes.append((String(words[0]), sizes, words.last == "uint8"))
            } else {
                settings[String(line[..<colon])] = String(value)
            }
        }
        var tensors: [String: Values] = [:]
        var offset = end + 2
        for (name, shape, isBytes) in shapes {
            let end = offset + shape.reduce(1, *) * (isBytes ? 1 : 4)
            guard end <= bytes.count else { throw GoldenError(path: path, reason: "ends within '\(name)'") }
            let values = isBytes ? bytes[offset..<end].map { Float($0) } : Golden.floats(bytes[offset..<end])
            tensors[name] = Values(shape: shape, values: values)
            offset = end
        }
        guard offset == bytes.count else { throw GoldenError(path: path, reason: "is longer than its header says") }
        let file = path.split(separator: "/").last.map(String.init) ?? path
        self.name = file.split(separator: ".").first.map(String.init) ?? file
        self.settings = settings
        self.tensors = tensors
    }

    private static func floats(_ bytes: ArraySlice<UInt8>) -> [Float] {
        stride(from: bytes.startIndex, to: bytes.endIndex, by: 4).map { first in
            Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[first + $1]) << UInt32(8 * $1) })
        }
    }

    /// All goldens in the folder `Goldens` beside a source file.
    ///
    /// - Parameters:
    ///   - prefix: What their names begin with.
    /// - Throws: `GoldenError` for a file that can't be read.
    public static func all(prefix: String = "", beside file: String = #filePath) throws -> [Golden] {
        let folder = goldensFolder(beside: file)
        return try fileNames(in: folder).filter { $0.hasSuffix(".golden") && $0.hasPrefix(prefix) }.sorted().map {
            try Golden(path: folder + "/" + $0)
        }
    }

    /// A setting as text.
    ///
    /// - Throws: `GoldenError` if the header lacks it.
    public func text(_ key: String) throws -> String {
        guard let value = settings[key] else { throw GoldenError(path: name, reason: "has no setting '\(key)'") }
        return value
    }

    /// A setting as whole numbers, separated by commas in the file.
    ///
    /// - Throws: `GoldenError` if the header lacks it.
    public func numbers(_ key: String) throws -> [Int] {
        try text(key).split(separator: ",").compactMap { Int($0) }
    }

    /// A tensor.
    ///
    /// - Throws: `GoldenError` if the file lacks it.
    public func tensor(_ name: String) throws -> Values {
        guard let values = tensors[name] else { throw GoldenError(path: self.name, reason: "has no tensor '\(name)'") }
        return values
    }

    /// Names of the tensors.
    public var tensorNames: [String] { tensors.keys.sorted() }

    /// Whether the file has a tensor.
    public func has(_ name: String) -> Bool { tensors[name] != nil }

    /// The name, for a test's arguments.
    public var description: String { name }
}

/// A golden that can't be used.
public struct GoldenError: Error, CustomStringConvertible {
    /// Which file.
    public let path: String
    /// What is wrong with it.
    public let reason: String

    /// Says what is wrong.
    public init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    /// One line.
    public var description: String { "golden \(path) \(reason)" }
}
