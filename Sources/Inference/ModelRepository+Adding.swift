// SPDX-License-Identifier: MIT

import Checkpoints
import SystemCalls

extension ModelRepository {
    /// Adds a network, or a version of one: the file is run once, copied, and described last.
    ///
    /// - Parameters:
    ///   - isNewVersion: Whether the model must exist already.
    /// - Returns: The new version, and what the user should know of how the file was understood.
    /// - Throws: `InferenceError` if the name can't be taken, what loading the file throws, or an error of the system; nothing
    ///   is left behind then.
    public func add(
        _ name: String, file: String, options: GraphModelOptions, description text: String? = nil,
        isNewVersion: Bool = false
    ) throws -> (entry: Entry, notes: [String]) {
        let place = try NewVersion(of: name, in: self)
        guard (place.known != nil) == isNewVersion else {
            throw isNewVersion
                ? InferenceError.unknownModel(name, known: try modelNames(), repository: path)
                : InferenceError.modelExists(name, repository: path)
        }
        let loaded = try place.load(file, options: options)
        let fileName = file.split(separator: "/").last.map(String.init) ?? file
        var copies = [(from: file, to: "\(place.folder)/\(fileName)")]
        if case .graph(let graphFile) = loaded.network {
            copies += try graphFile.companions().map { ($0.path, "\(place.folder)/\($0.name)") }
        }
        try place.makeFolder()
        do {
            for copy in copies {
                let parent = String(copy.to[..<(copy.to.lastIndex(of: "/") ?? copy.to.endIndex)])
                if (try? FileSystem.kind(of: parent)) == nil { try FileSystem.makeFolder(parent) }
                try Self.copy(copy.from, to: copy.to)
            }
            let entry = try place.record(loaded, ModelDescription.Version(file: fileName), description: text)
            return (entry, loaded.notes)
        } catch {
            place.abandon(copies.map(\.to))
            throw error
        }
    }

    private static func copy(_ source: String, to target: String) throws {
        let file = try MappedFile(path: source)
        let output = try FileWriter(replacing: target)
        try output.write(file.bytes)
        try output.finish()
    }

    /// Whether a name is safe as a folder's and in a URL.
    static func isPlain(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 128 && !name.hasPrefix(".")
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }
}
