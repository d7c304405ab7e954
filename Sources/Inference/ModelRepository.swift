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
    /// A folder of one user's own, which is searched behind the other, and added to where that can't be written; it may not be there.
    let ownPath: String?
    /// Largest `model.json` that is read, in bytes.
    static let maxDescriptionBytes = 1 << 20

    /// Opens a folder.
    ///
    /// - Throws: `InferenceError.notAFolder`, or an error of the system if there is nothing.
    public init(path: String) throws {
        guard try FileSystem.kind(of: path) == .directory else { throw InferenceError.notAFolder(path: path) }
        self.path = path
        ownPath = nil
    }

    /// Finds the repository that holds where none is named: `SWIFTNET_WEIGHTS`, `share/swiftnet` beside the executable's
    /// `bin`, then the nearest folder `Weights` above the executable; and `$XDG_DATA_HOME/swiftnet`, which can be the only one.
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
        let own = userFolder
        if let own { searched.append(own) }
        guard let path = searched.first(where: { (try? FileSystem.kind(of: $0)) == .directory }) else {
            throw InferenceError.noRepository(searched: ["$SWIFTNET_WEIGHTS"] + searched)
        }
        return ModelRepository(found: path, ownPath: path == own ? nil : own)
    }

    init(found path: String, ownPath: String?) {
        self.path = path
        self.ownPath = ownPath
    }

    /// Where one user's data belong: `$XDG_DATA_HOME`, or `.local/share` below the home; nil where neither is known.
    ///
    /// - Source: XDG Base Directory Specification, which has paths that are not absolute ignored.
    private static var userFolder: String? {
        let named = ProcessEnvironment.value("XDG_DATA_HOME")
        let folder = named ?? ProcessEnvironment.value("HOME").map { $0 + "/.local/share" }
        return folder.flatMap { $0.hasPrefix("/") ? $0 + "/swiftnet" : nil }
    }

    /// The folder of a model; nil if there is none.
    func folder(of name: String) -> String? {
        [path, ownPath].compactMap { $0.map { "\($0)/\(name)" } }.first {
            (try? FileSystem.kind(of: "\($0)/model.json")) == .file
        }
    }

    /// The folder of a model that is to be made.
    func newFolder(of name: String, canWrite: (String) -> Bool = FileSystem.canWrite(in:)) -> String {
        "\(ownPath.flatMap { canWrite(path) ? nil : $0 } ?? path)/\(name)"
    }

    /// Names of the models, sorted.
    ///
    /// - Throws: An error of the system if the folder can't be read.
    public func modelNames() throws -> [String] {
        let own = ownPath.flatMap { try? FileSystem.names(in: $0) } ?? []
        let names = try FileSystem.names(in: path).filter { folder(of: $0) != nil }
        let all = names + own.filter { !names.contains($0) && folder(of: $0) != nil }
        return all.filter { !$0.hasPrefix(".") }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// What the description of a model says.
    ///
    /// - Throws: `InferenceError.unknownModel` or `.invalidDescription`.
    public func description(of name: String) throws -> ModelDescription {
        let known = try modelNames()
        guard known.contains(name), let place = folder(of: name) else {
            throw InferenceError.unknownModel(name, known: known, repository: path)
        }
        let file = "\(place)/model.json"
        let bytes = try FileDescriptor.contents(of: file, limit: Self.maxDescriptionBytes)
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
    /// - Throws: `InferenceError.unknownModel`, `.unknownVersion`, `.noPrecision` or `.invalidDescription`.
    public func entry(_ name: String, version: Int? = nil, precision: Precision = .float32) throws -> Entry {
        let description = try description(of: name)
        let known = description.versionNumbers
        guard let number = version ?? known.last, let details = description.versions[String(number)] else {
            throw InferenceError.unknownVersion(model: name, version: version ?? 1, known: known)
        }
        let file = precision == .float32 ? details.file : details.files[precision]?.file
        guard let file else { throw InferenceError.noPrecision(precision, model: name, version: number) }
        let place = folder(of: name) ?? "\(path)/\(name)"
        return Entry(description: description, version: number, path: "\(place)/\(number)/\(file)")
    }
}
