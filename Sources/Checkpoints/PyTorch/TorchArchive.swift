// SPDX-License-Identifier: MIT

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

    package init(_ file: ByteRegion, limits: CheckpointLimits) throws {
        zip = try ZipArchive(file, limits: limits)
        folder = try Self.folder(of: zip)
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
        let name = folder + "data/" + key
        guard let entry = zip[name] else { throw CheckpointError.missingEntry(name) }
        guard entry.method == .stored else { throw CheckpointError.compressedStorage(entry: name) }
        guard entry.byteCount == byteCount else {
            throw CheckpointError.storageLength(key: key, expected: byteCount, actual: entry.byteCount)
        }
        return StoredBytes(key: key, region: entry.data, isBigEndian: isBigEndian, checksum: entry.checksum)
    }

    /// The entries that neither were read with the archive nor are storages with one of the keys.
    func entries(without keys: some Sequence<String>) -> [ZipEntry] {
        let read = Set(keys.map { folder + "data/" + $0 } + [pickle.name, folder + "byteorder", version.name])
        return zip.entries.filter { !read.contains($0.name) }
    }

    /// All entries stand in the folder of the first.
    private static func folder(of zip: ZipArchive) throws -> String {
        guard let first = zip.entries.first, let slash = first.name.firstIndex(of: "/") else {
            throw CheckpointError.missingEntry("data.pkl in a folder of its own")
        }
        let folder = String(first.name[...slash])
        if let stray = zip.entries.first(where: { !$0.name.hasPrefix(folder) }) {
            throw CheckpointError.unsafeEntry(name: stray.name, reason: "it stands outside of the folder '\(folder)'")
        }
        return folder
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
