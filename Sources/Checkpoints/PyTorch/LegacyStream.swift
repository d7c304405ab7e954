// SPDX-License-Identifier: MIT

/// PyTorch's format from 0.1.10 to 1.5: five pickles, then the storages one after another.
///
/// - Source: `torch/serialization.py`, `_legacy_save`.
package struct LegacyStream: StorageSource {
    /// The number 0x1950a86a20f9469cfc6c and the end of its pickle, with which every such file begins.
    private static let magic: [UInt8] = [
        0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
    ]
    private static let decimalMagic = Array("L119547037146038801333356L\n.".utf8)
    private static let part = "legacy stream"

    /// The object that was saved.
    package let graph: PickleGraph
    /// Where the object's pickle stands in the file.
    package let pickleRange: Range<Int>
    private let storages: [String: StoredBytes]

    package init(_ file: ByteRegion, limits: CheckpointLimits) throws {
        guard let start = Self.magicEnd(in: file) else {
            throw CheckpointError.malformed(part: Self.part, offset: 0, reason: "no magic number")
        }
        func read(_ name: String, at offset: Int) throws -> PickleGraph {
            try PickleMachine.read(file, part: "\(Self.part), \(name)", offset: offset, limits: limits)
        }
        let version = try read("version", at: start)
        guard version.int(version.root) == 1001 else {
            throw CheckpointError.malformed(
                part: Self.part, offset: start, reason: "a version other than 1001")
        }
        let system = try read("system", at: version.endOffset)
        let isBigEndian = try Self.isBigEndian(system)
        graph = try read("object", at: system.endOffset)
        pickleRange = system.endOffset..<graph.endOffset
        let keys = try read("keys", at: graph.endOffset)
        var reader = ByteReader(file, part: Self.part, offset: keys.endOffset)
        storages = try Self.readStorages(
            &reader, keys: Self.strings(keys), declared: Self.declaredStorages(graph), isBigEndian: isBigEndian)
        guard reader.remaining == 0 else { throw reader.malformed("bytes after the last storage") }
    }

    /// The file begins as such a stream does.
    package static func isRecognised(_ file: ByteRegion) -> Bool { magicEnd(in: file) != nil }

    /// Where the magic number's pickle ends: protocols 4 and 5 put a frame's length before the number.
    private static func magicEnd(in file: ByteRegion) -> Int? {
        // Protocol 1 writes the number in decimal.
        if file.hasPrefix(decimalMagic) { return decimalMagic.count }
        guard file.hasPrefix([0x80]) else { return nil }
        let start = file.integer(UInt8.self, at: 2) == PickleOpcode.frame.rawValue ? 11 : 2
        guard let number = file.slice(at: start, count: magic.count), number.hasPrefix(magic) else { return nil }
        return start + magic.count
    }

    package func storage(key: String, byteCount: Int) throws -> StoredBytes {
        guard let stored = storages[key] else { throw CheckpointError.missingEntry("storage \(key)") }
        guard stored.region.count == byteCount else {
            throw CheckpointError.storageLength(key: key, expected: byteCount, actual: stored.region.count)
        }
        return stored
    }

    private static func isBigEndian(_ system: PickleGraph) throws -> Bool {
        for pair in system.pairs(system.root) ?? [] where system.string(pair.key) == "little_endian" {
            if case .bool(let isLittle) = system[pair.value] { return !isLittle }
        }
        throw CheckpointError.malformed(part: part, offset: 0, reason: "the byte order is not stated")
    }

    private static func strings(_ keys: PickleGraph) throws -> [String] {
        guard let items = keys.sequence(keys.root) else {
            throw CheckpointError.malformed(part: part, offset: keys.endOffset, reason: "no list of storages")
        }
        return try items.map { id in
            guard let key = keys.string(id) ?? keys.int(id).map({ String($0) }) else {
                throw CheckpointError.malformed(part: part, offset: keys.endOffset, reason: "a key that is no text")
            }
            return key
        }
    }

    /// All storages that the object refers to: their element sizes are known only from there.
    private static func declaredStorages(_ graph: PickleGraph) throws -> [String: DeclaredStorage] {
        var result: [String: DeclaredStorage] = [:]
        for id in graph.nodes.indices {
            guard let declared = try DeclaredStorage(id, in: graph) else { continue }
            if let known = result[declared.key], (known.byteCount, known.type) != (declared.byteCount, declared.type) {
                throw CheckpointError.invalidTensor(
                    name: "storage \(declared.key)", reason: "it is declared with two lengths or element types")
            }
            result[declared.key] = declared
        }
        return result
    }

    /// Per key, in the order of the list: an element count of 8 bytes, then the elements.
    private static func readStorages(
        _ reader: inout ByteReader, keys: [String], declared: [String: DeclaredStorage], isBigEndian: Bool
    ) throws -> [String: StoredBytes] {
        var result: [String: StoredBytes] = [:]
        for (index, key) in keys.enumerated() {
            if index.isMultiple(of: 8) { reader.region.discardPages() }
            guard let storage = declared[key] else { throw reader.malformed("storage '\(key)' is used by no tensor") }
            let count = try reader.integer(Int64.self)
            let itemSize = storage.type?.byteCount ?? 1
            let (byteCount, overflow) = Int(count).multipliedReportingOverflow(by: itemSize)
            guard !overflow, count >= 0, byteCount == storage.byteCount else {
                throw CheckpointError.storageLength(
                    key: key, expected: storage.byteCount, actual: overflow ? Int.max : byteCount)
            }
            let bytes = StoredBytes(key: key, region: try reader.take(byteCount), isBigEndian: isBigEndian)
            guard result.updateValue(bytes, forKey: key) == nil else {
                throw CheckpointError.clashingNames(first: key, second: key)
            }
        }
        return result
    }
}

extension PickleGraph {
    /// The bytes of a bytes value, however the protocol spells it: protocol 2 has `_codecs.encode(text, 'latin1')`.
    package func byteString(_ id: PickleNode.ID) -> ByteRegion? {
        if case .bytes(let region) = self[id] { return region }
        // Protocols 0 to 2 write no bytes as `bytes()`.
        if let object = object(id), let name = callable(of: object), name.name == "bytes",
            name.module == "builtins" || name.module == "__builtin__", tuple(object.arguments)?.isEmpty == true
        {
            return ByteRegion(copying: [])
        }
        guard let object = object(id), callable(of: object) == PickleGlobal("_codecs", "encode"),
            let arguments = tuple(object.arguments), arguments.count == 2, string(arguments[1]) == "latin1",
            let text = string(arguments[0])
        else { return nil }
        let bytes = text.unicodeScalars.compactMap { UInt8(exactly: $0.value) }
        return bytes.count == text.unicodeScalars.count ? ByteRegion(copying: bytes) : nil
    }
}
