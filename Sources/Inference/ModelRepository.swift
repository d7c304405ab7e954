// SPDX-License-Identifier: MIT

import SystemCalls

/// A folder of models: `<model>/model.json` and `<model>/<version>/<file>`.
public struct ModelRepository: Sendable {
    /// One version of a model, as it lies on the disk.
    public struct Entry: Sendable {
        /// What the model's description says.
        public let description: ModelDescription
        /// The version's number.
        public let version: Int
        /// Path of its weights.
        public let path: String
    }

    /// Path of the folder.
    public let path: String
    /// Largest `model.json` that is read, in bytes.
    static let maxDescriptionBytes = 1 << 20

    /// Opens a folder.
    ///
    /// - Throws: `InferenceError.notAFolder`, or an error of the system if there is nothing.
    public init(path: String) throws {
        guard try FileSystem.kind(of: path) == .directory else { throw InferenceError.notAFolder(path: path) }
        self.path = path
    }

    /// Finds the repository that holds where none is named: `SWIFTNET_WEIGHTS`, `share/swiftnet` beside the executable's
    /// `bin`, then the nearest folder `Weights` above the executable.
    ///
    /// - Throws: `InferenceError.noRepository` with the places looked in.
    public static func standard() throws -> ModelRepository {
        if let named = ProcessEnvironment.value("SWIFTNET_WEIGHTS") { return try ModelRepository(path: named) }
        var folders = (ProcessEnvironment.executablePath ?? "").split(separator: "/").dropLast().map(String.init)
        var searched: [String] = []
        if !folders.isEmpty {
            searched.append("/" + (folders.dropLast() + ["share", "swiftnet"]).joined(separator: "/"))
        }
        while !folders.isEmpty {
            searched.append("/" + (folders + ["Weights"]).joined(separator: "/"))
            folders.removeLast()
        }
        for path in searched {
            if let kind = try? FileSystem.kind(of: path), kind == .directory { return ModelRepository(found: path) }
        }
        throw InferenceError.noRepository(searched: ["$SWIFTNET_WEIGHTS"] + searched)
    }

    private init(found path: String) {
        self.path = path
    }

    /// Names of the models, sorted.
    ///
    /// - Throws: An error of the system if the folder can't be read.
    public func modelNames() throws -> [String] {
        try FileSystem.names(in: path).filter { name in
            !name.hasPrefix(".") && (try? FileSystem.kind(of: "\(path)/\(name)/model.json")) == .file
        }
    }

    /// What the description of a model says.
    ///
    /// - Throws: `InferenceError.unknownModel` or `.invalidDescription`.
    public func description(of name: String) throws -> ModelDescription {
        let known = try modelNames()
        guard known.contains(name) else {
            throw InferenceError.unknownModel(name, known: known, repository: path)
        }
        let file = "\(path)/\(name)/model.json"
        let bytes = try FileDescriptor.open(file, FileDescriptor.readOnly).readAll(limit: Self.maxDescriptionBytes)
        guard bytes.count <= Self.maxDescriptionBytes else {
            throw InferenceError.invalidDescription(path: file, reason: "longer than \(Self.maxDescriptionBytes) bytes")
        }
        let description = try ModelDescription.decode(bytes, path: file)
        guard description.name == name else {
            throw InferenceError.invalidDescription(
                path: file, reason: "its name is '\(description.name)', but its folder's is '\(name)'")
        }
        return description
    }

    /// Finds a version of a model, the newest unless one is named.
    ///
    /// - Throws: `InferenceError.unknownModel`, `.unknownVersion` or `.invalidDescription`.
    public func entry(_ name: String, version: Int? = nil) throws -> Entry {
        let description = try description(of: name)
        let known = description.versionNumbers
        guard let number = version ?? known.last, let details = description.versions[String(number)] else {
            throw InferenceError.unknownVersion(model: name, version: version ?? 1, known: known)
        }
        return Entry(description: description, version: number, path: "\(path)/\(name)/\(number)/\(details.file)")
    }
}
