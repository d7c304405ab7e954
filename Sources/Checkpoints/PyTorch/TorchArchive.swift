// SPDX-License-Identifier: MIT

import Text

/// PyTorch's zip format, from 1.4 on, and TorchScript's, which shares it.
///
/// - Source: `caffe2/serialize/inline_container.cc`, `torch/serialization.py`.
package struct TorchArchive: StorageSource {
    package let zip: ZipArchive
    /// The folder in which all entries stand, with its slash.
    package let folder: String
    package let isTorchScript: Bool
    /// The pickle of the object that was saved.
    package let pickle: ZipEntry
    package let graph: PickleGraph
    private let version: ZipEntry
    private let isBigEndian: Bool

    private let limits: CheckpointLimits

    package init(_ zip: ZipArchive, folder: String, limits: CheckpointLimits) throws {
        self.zip = zip
        self.folder = folder
        self.limits = limits
        // What the format needs must be plain: another reader could take the other of two names.
        let parts = ["data.pkl", "byteorder", "version", ".data/version", "constants.pkl", "data/", "constants/"]
        if let fault = zip.bystanders.first(where: { bystander in
            parts.contains { bystander.name.asciiLowercased.hasPrefix((folder + $0).asciiLowercased) }
        })?.fault {
            throw fault
        }
        guard let pickle = zip[folder + "data.pkl"] else { throw CheckpointError.missingEntry(folder + "data.pkl") }
        self.pickle = pickle
        isTorchScript = zip[folder + "constants.pkl"] != nil
        isBigEndian = try Self.isBigEndian(zip, folder: folder)
        version = try Self.checkedVersion(zip, folder: folder)
        let bytes = try pickle.verifiedContents(maxBytes: limits.maxPickleBytes, limit: "maxPickleBytes")
        graph = try PickleMachine.read(bytes, part: pickle.name, limits: limits)
        guard graph.endOffset == bytes.count else {
            throw CheckpointError.malformed(
                part: pickle.name, offset: graph.endOffset, reason: "bytes after the pickle")
        }
    }

    package func storage(key: String, byteCount: Int) throws -> StoredBytes {
        try storage(key: key, byteCount: byteCount, in: ["data/", "constants/"])
    }

    /// Mobile archives keep the tensors of the object with the constants.
    func storage(key: String, byteCount: Int, in folders: [String]) throws -> StoredBytes {
        let names = folders.map { folder + $0 + key }
        guard let entry = names.lazy.compactMap({ zip[$0] }).first else { throw CheckpointError.missingEntry(names[0]) }
        guard entry.byteCount == byteCount else {
            throw CheckpointError.storageLength(key: key, expected: byteCount, actual: entry.byteCount)
        }
        let storageKey = entry.name.hasPrefix(folder + "data/") ? key : "constant \(key)"
        return try entry.storage(key: storageKey, isBigEndian: isBigEndian, limits: limits)
    }

    /// The constants of a TorchScript program: a pickle of its own, whose storages stand beside it.
    ///
    /// - Throws: ``CheckpointError``.
    func constants() throws -> (graph: PickleGraph, source: any StorageSource)? {
        guard let entry = zip[folder + "constants.pkl"] else { return nil }
        let bytes = try entry.verifiedContents(maxBytes: limits.maxPickleBytes, limit: "maxPickleBytes")
        return (try PickleMachine.read(bytes, part: entry.name, limits: limits), Constants(archive: self))
    }

    private struct Constants: StorageSource {
        let archive: TorchArchive

        func storage(key: String, byteCount: Int) throws -> StoredBytes {
            // Once all tensors stood in `data`.
            try archive.storage(key: key, byteCount: byteCount, in: ["constants/", "data/"])
        }
    }

    /// The entries that neither were read with the archive nor are storages with one of the keys.
    func entries(without keys: some Sequence<String>) -> [ZipEntry] {
        let storages = keys.map { key in
            folder + (key.hasPrefix("constant ") ? "constants/" + key.dropFirst(9) : "data/" + key)
        }
        let read = Set(storages + [pickle.name, folder + "byteorder", version.name])
        return zip.entries.filter { !read.contains($0.name) }
    }

    /// The folder of the checkpoint; nil where there is none. PyTorch takes the folder of the first entry, in which all others
    /// must stand. Where that one has no checkpoint, somebody has packed a checkpoint's folder together with other things: then
    /// there must be exactly one.
    ///
    /// - Throws: `CheckpointError.unsafeEntry` for entries that PyTorch would not accept.
    static func folder(in zip: ZipArchive) throws -> String? {
        if let first = zip.entries.first, let slash = first.name.firstIndex(of: "/") {
            let folder = String(first.name[...slash])
            if zip[folder + "data.pkl"] != nil {
                if let stray = zip.entries.first(where: { !$0.name.hasPrefix(folder) }) {
                    throw CheckpointError.unsafeEntry(
                        name: stray.name, reason: "it stands outside of the folder '\(folder)'")
                }
                return folder
            }
        }
        let folders = zip.entries.compactMap { entry -> String? in
            guard entry.name == "data.pkl" || entry.name.hasSuffix("/data.pkl") else { return nil }
            let folder = String(entry.name.dropLast(8))
            return zip[folder + "version"] != nil || zip[folder + ".data/version"] != nil ? folder : nil
        }
        if folders.count > 1 { throw CheckpointError.memberChoice(candidates: folders) }
        return folders.first
    }

    private static func isBigEndian(_ zip: ZipArchive, folder: String) throws -> Bool {
        guard let entry = zip[folder + "byteorder"] else { return false }
        switch try entry.verifiedContents(maxBytes: 16, limit: "bytes of 'byteorder'").utf8 {
        case "little": return false
        case "big": return true
        default:
            throw CheckpointError.malformed(part: entry.name, offset: 0, reason: "neither 'little' nor 'big'")
        }
    }

    /// The entry that states the version, at one of two places. PyTorch has written 1 to 10.
    private static func checkedVersion(_ zip: ZipArchive, folder: String) throws -> ZipEntry {
        guard let entry = zip[folder + "version"] ?? zip[folder + ".data/version"] else {
            throw CheckpointError.missingEntry(folder + "version")
        }
        let text = try entry.verifiedContents(maxBytes: 16, limit: "bytes of 'version'").utf8 ?? ""
        let digits = text.hasSuffix("\n") ? String(text.dropLast()) : text
        guard let version = Int(digits), (1...10).contains(version) else {
            throw CheckpointError.unsupportedFormat(
                name: "version '\(digits)' of PyTorch's archive", hint: "versions 1 to 10 are known")
        }
        return entry
    }
}
