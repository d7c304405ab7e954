// SPDX-License-Identifier: MIT

import Checkpoints
import SystemCalls

extension ModelRepository {
    /// Adds a network, or a version of one: the file is copied, described, and run once before anything says that it is there.
    ///
    /// - Parameters:
    ///   - isNewVersion: Whether the model must exist already.
    /// - Returns: The new version.
    /// - Throws: `InferenceError` if the name can't be taken, what loading the file throws, or an error of the system; nothing
    ///   is left behind then.
    public func add(
        _ name: String, file: String, options: GraphModelOptions, description text: String? = nil,
        isNewVersion: Bool = false
    ) throws -> Entry {
        guard Self.isPlain(name) else { throw InferenceError.badModelName(name) }
        let exists = try modelNames().contains(name)
        guard exists == isNewVersion else {
            throw exists
                ? InferenceError.modelExists(name, repository: path)
                : InferenceError.unknownModel(name, known: try modelNames(), repository: path)
        }
        let loaded = try LoadedModel(weights: file, name: name, options: options)
        try loaded.runOnce(path: file)

        var description = isNewVersion ? try self.description(of: name) : loaded.description
        if isNewVersion,
            description.inputShape != loaded.description.inputShape
                || description.labels.count != loaded.description.labels.count
        {
            throw InferenceError.otherModel(
                name, expected: "\(description.inputShape), \(description.labels.count) classes",
                actual: "\(loaded.description.inputShape), \(loaded.description.labels.count) classes")
        }
        if let text { description.description = text }
        let version = (description.versionNumbers.last ?? 0) + 1
        let fileName = file.split(separator: "/").last.map(String.init) ?? file
        let folder = "\(path)/\(name)/\(version)"
        let isFirst = (try? FileSystem.kind(of: "\(path)/\(name)")) == nil
        if isFirst { try FileSystem.makeFolder("\(path)/\(name)") }
        try FileSystem.makeFolder(folder)
        var copies = [(from: file, to: "\(folder)/\(fileName)")]
        do {
            if case .graph(let graphFile) = loaded.network {
                copies += try graphFile.companions().map { ($0.path, "\(folder)/\($0.name)") }
            }
            for copy in copies {
                let parent = String(copy.to[..<(copy.to.lastIndex(of: "/") ?? copy.to.endIndex)])
                if (try? FileSystem.kind(of: parent)) == nil { try FileSystem.makeFolder(parent) }
                try Self.copy(copy.from, to: copy.to)
            }
            let mapped = try MappedFile(path: file)
            description.versions[String(version)] = ModelDescription.Version(
                file: fileName, sha256: SHA256.hexadecimal(of: mapped.bytes), bytes: mapped.bytes.count)
            try write(description, as: name)
        } catch {
            for copy in copies { try? FileSystem.removeFile(copy.to) }
            try? FileSystem.removeFolder(folder)
            if isFirst { try? FileSystem.removeFolder("\(path)/\(name)") }
            throw error
        }
        return try entry(name, version: version)
    }

    private func write(_ description: ModelDescription, as name: String) throws {
        let output = try FileWriter(replacing: "\(path)/\(name)/model.json")
        try output.write(Array(description.json.prettyText.utf8))
        try output.finish()
    }

    private static func copy(_ source: String, to target: String) throws {
        let file = try MappedFile(path: source)
        let output = try FileWriter(replacing: target)
        try output.write(file.bytes)
        try output.finish()
    }

    /// Whether a name is safe as a folder's and in a URL.
    private static func isPlain(_ name: String) -> Bool {
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

extension LoadedModel {
    /// Runs the network on a grey input.
    ///
    /// - Throws: `InferenceError.notFiniteResult` if the answer is not finite.
    fileprivate func runOnce(path: String) throws {
        let answer = try Predictor(self).logits(
            of: [Float](repeating: 0.5, count: plan.inputShape.elementCount), count: 1)
        guard answer.allSatisfy(\.isFinite) else { throw InferenceError.notFiniteResult }
    }
}
