// SPDX-License-Identifier: MIT

/// PyTorch's first format, before 0.1.10: a tar of three files with pickles and raw bytes.
///
/// - Source: `torch/serialization.py`, `legacy_load`.
package struct LegacyTar: StorageSource {
    /// The object that was saved. Tensors stand in it as numbers.
    package let graph: PickleGraph
    /// The storages of the file, those that are parts of others left out.
    package let storages: [StoredBytes]
    private let tensors: [Int: StoredTensor]

    /// The members that make a tar one of these.
    package static func isRecognised(_ tar: TarArchive) -> Bool {
        ["sys_info", "pickle", "storages", "tensors"].allSatisfy { tar[$0] != nil }
    }

    package init(_ tar: TarArchive, limits: CheckpointLimits) throws {
        func member(_ name: String) throws -> ByteRegion {
            guard let member = tar[name] else { throw CheckpointError.missingEntry(name) }
            return member.data
        }
        let system = try PickleMachine.read(member("sys_info"), part: "sys_info", limits: limits)
        let isBigEndian = (system.pairs(system.root) ?? []).contains { pair in
            guard system.string(pair.key) == "little_endian", case .bool(false) = system[pair.value] else {
                return false
            }
            return true
        }
        var table = StorageTable(isBigEndian: isBigEndian, limits: limits)
        try table.read(member("storages"))
        tensors = try Self.readTensors(member("tensors"), table: table, limits: limits)
        storages = table.roots
        let pickle = try member("pickle")
        graph = try PickleMachine.read(pickle, part: "pickle", limits: limits)
        guard graph.endOffset == pickle.count else {
            throw CheckpointError.malformed(part: "pickle", offset: graph.endOffset, reason: "bytes after the pickle")
        }
    }

    package func storage(key: String, byteCount: Int) throws -> StoredBytes {
        throw CheckpointError.missingEntry("storage \(key)")
    }

    package func tensor(id: Int) -> StoredTensor? { tensors[id] }

    /// A count, then per tensor: a pickle `(key, storage, class)`, the rank in 4 bytes and 4 of padding, sizes, strides and
    /// the offset in 8 bytes each.
    private static func readTensors(
        _ data: ByteRegion, table: StorageTable, limits: CheckpointLimits
    ) throws -> [Int: StoredTensor] {
        var (count, reader) = try readCount(data, part: "tensors", limits: limits)
        var result: [Int: StoredTensor] = [:]
        while count > 0 {
            count -= 1
            let graph = try readPickle(&reader, limits: limits)
            guard let parts = graph.tuple(graph.root), parts.count == 3, let id = graph.int(parts[0]),
                let storage = graph.int(parts[1]).flatMap({ table.storages[$0] })
            else { throw reader.malformed("a tensor without a number or a storage") }
            let rank = Int(try reader.integer(Int32.self))
            guard (0...limits.maxRank).contains(rank) else {
                throw CheckpointError.limitExceeded(limit: "maxRank", maximum: limits.maxRank)
            }
            _ = try reader.take(4)
            let numbers = try (0..<(2 * rank + 1)).map { _ in Int(try reader.integer(Int64.self)) }
            let tensor = try StoredTensor(
                storage: storage.bytes, type: storage.type, offset: numbers[2 * rank], sizes: Array(numbers[..<rank]),
                strides: Array(numbers[rank..<(2 * rank)]), maxRank: limits.maxRank)
            guard result.updateValue(tensor, forKey: id) == nil else {
                throw reader.malformed("tensor \(id) occurs twice")
            }
        }
        guard reader.remaining == 0 else { throw reader.malformed("bytes after the last tensor") }
        return result
    }
}

extension LegacyTar {
    /// The number that stands before a list of things.
    fileprivate static func readCount(
        _ data: ByteRegion, part: String, limits: CheckpointLimits
    ) throws -> (Int, ByteReader) {
        let graph = try PickleMachine.read(data, part: part, limits: limits)
        guard let count = graph.int(graph.root), count >= 0 else {
            throw CheckpointError.malformed(part: part, offset: 0, reason: "no count")
        }
        guard count <= limits.maxTensors else {
            throw CheckpointError.limitExceeded(limit: "maxTensors", maximum: limits.maxTensors)
        }
        return (count, ByteReader(data, part: part, offset: graph.endOffset))
    }

    fileprivate static func readPickle(_ reader: inout ByteReader, limits: CheckpointLimits) throws -> PickleGraph {
        let graph = try PickleMachine.read(reader.region, part: reader.part, offset: reader.offset, limits: limits)
        _ = try reader.take(graph.endOffset - reader.offset)
        return graph
    }

    fileprivate struct StorageTable {
        let isBigEndian: Bool
        let limits: CheckpointLimits
        private(set) var storages: [Int: (bytes: StoredBytes, type: TorchType)] = [:]
        private(set) var roots: [StoredBytes] = []

        init(isBigEndian: Bool, limits: CheckpointLimits) {
            self.isBigEndian = isBigEndian
            self.limits = limits
        }

        /// A count, then per storage: a pickle `(key, location, class)`, the element count in 8 bytes, the elements; after
        /// them a pickle with the storages that are parts of others.
        mutating func read(_ data: ByteRegion) throws {
            var (count, reader) = try readCount(data, part: "storages", limits: limits)
            while count > 0 {
                count -= 1
                if count.isMultiple(of: 8) { data.discardPages() }
                let graph = try readPickle(&reader, limits: limits)
                guard let parts = graph.tuple(graph.root), parts.count == 3, let key = graph.int(parts[0]),
                    let storageClass = graph.global(parts[2]), let held = TorchType.held(byStorageClass: storageClass),
                    let type = held
                else { throw reader.malformed("a storage without a number or a known class") }
                let elements = Int(try reader.integer(Int64.self))
                let (size, overflow) = elements.multipliedReportingOverflow(by: type.byteCount)
                guard elements >= 0, !overflow else { throw CheckpointError.sizeOverflow(what: "storage \(key)") }
                let bytes = StoredBytes(key: String(key), region: try reader.take(size), isBigEndian: isBigEndian)
                roots.append(bytes)
                try add(bytes, type, key: key, reader: reader)
            }
            try readParts(&reader)
            guard reader.remaining == 0 else { throw reader.malformed("bytes after the last storage") }
        }

        /// `[(key, key of the whole, offset, count)]`, in elements.
        private mutating func readParts(_ reader: inout ByteReader) throws {
            let graph = try readPickle(&reader, limits: limits)
            for item in graph.sequence(graph.root) ?? [] {
                let numbers = (graph.tuple(item) ?? []).compactMap { graph.int($0) }
                guard numbers.count == 4, let whole = storages[numbers[1]] else {
                    throw reader.malformed("a bad storage view")
                }
                let (start, startOverflow) = numbers[2].multipliedReportingOverflow(by: whole.type.byteCount)
                let (size, sizeOverflow) = numbers[3].multipliedReportingOverflow(by: whole.type.byteCount)
                guard !startOverflow, !sizeOverflow, let part = whole.bytes.region.slice(at: start, count: size) else {
                    throw reader.malformed("a storage view outside of its storage")
                }
                let key = "\(whole.bytes.key)[\(start)..<\(start + size)]"
                try add(
                    StoredBytes(key: key, region: part, isBigEndian: isBigEndian), whole.type, key: numbers[0],
                    reader: reader)
            }
        }

        private mutating func add(_ bytes: StoredBytes, _ type: TorchType, key: Int, reader: ByteReader) throws {
            guard storages.updateValue((bytes, type), forKey: key) == nil else {
                throw reader.malformed("storage \(key) occurs twice")
            }
        }
    }
}
