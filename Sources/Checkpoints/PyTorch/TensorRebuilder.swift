// SPDX-License-Identifier: MIT

/// Where the storages of a PyTorch file are found.
package protocol StorageSource {
    /// The bytes of the storage `key`.
    ///
    /// - Parameter byteCount: What the pickle declares.
    /// - Throws: `CheckpointError.missingEntry` or `.storageLength`.
    func storage(key: String, byteCount: Int) throws -> StoredBytes

    /// The tensor of an old tar's integer id; nil in all other formats.
    func tensor(id: Int) -> StoredTensor?
}

extension StorageSource {
    package func tensor(id: Int) -> StoredTensor? { nil }
}

/// Recognises the calls that rebuild tensors, and reads their arguments. The one place that knows them.
package struct TensorRebuilder {
    let graph: PickleGraph
    let source: any StorageSource
    let limits: CheckpointLimits
    /// Quantised tensors are described with their scales, and taken.
    let dequantises: Bool
    /// Storages met so far: one key stands for one length and one type.
    private var storages: [String: (declared: DeclaredStorage, bytes: StoredBytes)] = [:]
    private var cache: [PickleNode.ID: StoredTensor?] = [:]
    private var tensorCount = 0

    package init(
        graph: PickleGraph, source: any StorageSource, limits: CheckpointLimits, dequantises: Bool = false
    ) {
        self.dequantises = dequantises
        self.graph = graph
        self.source = source
        self.limits = limits
    }

    /// The tensor that a value stands for, or nil where it stands for something else.
    ///
    /// - Throws: ``CheckpointError`` for a tensor that is not sound.
    package mutating func tensor(_ id: PickleNode.ID) throws -> StoredTensor? {
        if let known = cache[id] { return known }
        let result = try rebuild(id, depth: 0)
        cache[id] = .some(result)
        if result != nil {
            tensorCount += 1
            guard tensorCount <= limits.maxTensors else {
                throw CheckpointError.limitExceeded(limit: "maxTensors", maximum: limits.maxTensors)
            }
        }
        return result
    }

    /// A tensor may stand in a parameter, which may stand in a subclass: never more than a few deep.
    private mutating func rebuild(_ id: PickleNode.ID, depth: Int) throws -> StoredTensor? {
        guard depth < 8 else { throw CheckpointError.limitExceeded(limit: "parameters within parameters", maximum: 8) }
        if case .persistent(let key) = graph[id] { return graph.int(key).flatMap { source.tensor(id: $0) } }
        guard let object = graph.object(id), let callable = graph.callable(of: object),
            let arguments = graph.tuple(object.arguments)
        else { return nil }
        let result = try rebuild(callable, arguments, states: object.states, depth: depth)
        guard result == nil || (object.items.isEmpty && object.pairs.isEmpty) else {
            throw invalid("items are set on a tensor")
        }
        return result
    }

    private mutating func rebuild(
        _ callable: PickleGlobal, _ arguments: [PickleNode.ID], states: [PickleNode.ID], depth: Int
    ) throws -> StoredTensor? {
        switch (callable.module, callable.name) {
        case ("torch._utils", "_rebuild_tensor"), ("torch._utils", "_rebuild_tensor_v2"): return try dense(arguments)
        case ("torch._utils", "_rebuild_tensor_v3"): return try typed(arguments)
        case ("torch._utils", "_rebuild_qtensor"): return try quantised(arguments)
        case ("torch._utils", "_rebuild_parameter"), ("torch._utils", "_rebuild_parameter_with_state"):
            return try arguments.first.flatMap { try rebuild($0, depth: depth + 1) }
        case ("torch.nn.parameter", "Parameter"), ("torch.nn", "Parameter"), ("torch.autograd.variable", "Variable"):
            // Before 0.4 the tensor is the first part of the state.
            let parts = arguments + (states.last.flatMap { graph.tuple($0) } ?? [])
            return try parts.first.flatMap { try rebuild($0, depth: depth + 1) }
        case ("torch._tensor", "_rebuild_from_type_v2"):
            guard arguments.count >= 3, let function = graph.global(arguments[0]),
                let inner = graph.tuple(arguments[2]),
                depth < 8
            else { return nil }
            return try rebuild(function, inner, states: [], depth: depth + 1)
        case ("torch._utils", "_rebuild_device_tensor_from_cpu_tensor"),
            ("torch._utils", "_rebuild_device_tensor_from_numpy"):
            guard arguments.count >= 2, let tensor = try rebuild(arguments[0], depth: depth + 1) else { return nil }
            return try ofDeviceType(tensor, graph.global(arguments[1]))
        case ("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct"),
            ("numpy.core.numeric", "_frombuffer"), ("numpy._core.numeric", "_frombuffer"):
            return try array(callable, arguments, states: states)
        default: return nil
        }
    }

    func invalid(_ reason: String) -> CheckpointError { .invalidTensor(name: "?", reason: reason) }
}

// MARK: - The kinds of tensors

extension TensorRebuilder {
    /// `(storage, offset, size, stride[, requires_grad, hooks[, metadata]])`.
    private mutating func dense(_ arguments: [PickleNode.ID]) throws -> StoredTensor {
        guard arguments.count >= 4 else { throw invalid("_rebuild_tensor with \(arguments.count) arguments") }
        let (declared, bytes) = try storage(arguments[0])
        guard let type = declared.type else { throw invalid("a tensor over a storage of no type") }
        let metadata = arguments.count > 6 ? arguments[6] : nil
        return try view(bytes, type, geometry: Array(arguments[1...3]), metadata: metadata)
    }

    /// `(untyped storage, offset, size, stride, requires_grad, hooks, dtype[, metadata])`.
    private mutating func typed(_ arguments: [PickleNode.ID]) throws -> StoredTensor {
        guard arguments.count >= 7, let dtype = graph.global(arguments[6]) else {
            throw invalid("_rebuild_tensor_v3 without a type")
        }
        guard let type = TorchType(dtype: dtype) else { throw invalid("elements of the unknown type \(dtype)") }
        let (_, bytes) = try storage(arguments[0])
        return try view(
            bytes, type, geometry: Array(arguments[1...3]), metadata: arguments.count > 7 ? arguments[7] : nil)
    }

    /// `(storage, offset, size, stride, quantiser, requires_grad, hooks)`.
    private mutating func quantised(_ arguments: [PickleNode.ID]) throws -> StoredTensor {
        var tensor = try dense(Array(arguments.prefix(4)))
        tensor.unsupported = "quantised (\(tensor.type.rawValue))"
        guard [.qint8, .quint8, .qint32].contains(tensor.type), arguments.count > 4,
            let quantisation = try quantisation(arguments[4], of: tensor)
        else { return tensor }
        tensor.unsupported = dequantises ? nil : "quantised (\(tensor.type.rawValue)); --dequantize takes it as float32"
        tensor.quantisation = quantisation
        return tensor
    }

    private func view(
        _ bytes: StoredBytes, _ type: TorchType, geometry: [PickleNode.ID], metadata: PickleNode.ID?
    ) throws -> StoredTensor {
        guard let offset = graph.int(geometry[0]), let sizes = integers(geometry[1]),
            let strides = integers(geometry[2])
        else { throw invalid("an offset, size or stride that is no whole number") }
        var tensor = try StoredTensor(
            storage: bytes, type: type, offset: offset, sizes: sizes, strides: strides, maxRank: limits.maxRank)
        if type.isQuantised { tensor.unsupported = "elements of type \(type.rawValue)" }
        for pair in metadata.flatMap({ graph.pairs($0) }) ?? [] {
            guard case .bool(true) = graph[pair.value] else { continue }
            switch graph.string(pair.key) {
            case "neg" where type.elementType?.isFloatingPoint == true: tensor.isNegated = true
            default: tensor.unsupported = "marked '\(graph.string(pair.key) ?? "?")'"
            }
        }
        return tensor
    }

    /// A tuple of whole numbers, or `torch.Size` of one.
    func integers(_ id: PickleNode.ID) -> [Int]? {
        var id = id
        if let object = graph.object(id), graph.callable(of: object) == PickleGlobal("torch", "Size") {
            guard let inner = graph.tuple(object.arguments)?.first else { return nil }
            id = inner
        }
        guard let items = graph.sequence(id), items.count <= limits.maxRank else { return nil }
        let numbers = items.compactMap { graph.int($0) }
        return numbers.count == items.count ? numbers : nil
    }
}

// MARK: - Storages

/// What a pickle says of a storage.
struct DeclaredStorage: Equatable {
    let key: String
    /// Nil for untyped bytes.
    let type: TorchType?
    let byteCount: Int
    /// The part of the storage that is meant, in bytes; nil for all of it.
    var part: Range<Int>?
}

extension DeclaredStorage {
    /// Reads `('storage', class, key, location, count[, view])`.
    ///
    /// - Returns: Nil for what is no storage.
    init?(_ id: PickleNode.ID, in graph: PickleGraph) throws {
        guard case .persistent(let tuple) = graph[id], let parts = graph.tuple(tuple), parts.count >= 5,
            graph.string(parts[0]) == "storage"
        else { return nil }
        func invalid(_ reason: String) -> CheckpointError { .invalidTensor(name: "?", reason: reason) }
        guard let storageClass = graph.global(parts[1]), let held = TorchType.held(byStorageClass: storageClass) else {
            throw invalid("a storage of an unknown class \(graph.global(parts[1])?.description ?? "")")
        }
        guard let key = graph.string(parts[2]) ?? graph.int(parts[2]).map({ String($0) }) else {
            throw invalid("a storage whose key is no text")
        }
        let itemSize = held?.byteCount ?? 1
        guard let count = graph.int(parts[4]), count >= 0,
            case let bytes = count.multipliedReportingOverflow(by: itemSize),
            !bytes.overflow
        else { throw invalid("storage '\(key)' with a count that is negative or overflows") }
        self.key = key
        type = held
        byteCount = bytes.partialValue
        guard parts.count > 5, let view = graph.tuple(parts[5]) else { return }
        // Legacy streams: (view key, offset, count), in elements.
        guard view.count == 3, let start = graph.int(view[1]), let size = graph.int(view[2]), start >= 0, size >= 0,
            start <= count, size <= count - start
        else { throw invalid("storage '\(key)' with a view outside of it") }
        part = (start * itemSize)..<((start + size) * itemSize)
    }
}

extension TensorRebuilder {
    private mutating func storage(_ id: PickleNode.ID) throws -> (DeclaredStorage, StoredBytes) {
        if let embedded = try embeddedStorage(id) { return embedded }
        guard let declared = try DeclaredStorage(id, in: graph) else { throw invalid("a tensor without a storage") }
        if let known = storages[declared.key] {
            guard known.declared.byteCount == declared.byteCount else {
                throw invalid("storage '\(declared.key)' is declared with two lengths")
            }
            guard known.declared.type == declared.type else {
                throw invalid("storage '\(declared.key)' is declared with two element types")
            }
            return (declared, try Self.part(declared, of: known.bytes))
        }
        let bytes = try source.storage(key: declared.key, byteCount: declared.byteCount)
        storages[declared.key] = (declared, bytes)
        return (declared, try Self.part(declared, of: bytes))
    }

    private static func part(_ declared: DeclaredStorage, of bytes: StoredBytes) throws -> StoredBytes {
        guard let part = declared.part, part != 0..<bytes.region.count else { return bytes }
        guard bytes.checksum == nil else {
            throw CheckpointError.invalidTensor(
                name: "?", reason: "storage '\(declared.key)' of an archive is declared with a view")
        }
        guard let region = bytes.region.slice(at: part.lowerBound, count: part.count) else {
            throw CheckpointError.storageLength(
                key: declared.key, expected: part.upperBound, actual: bytes.region.count)
        }
        // A part has no checksum of its own; its key keeps it apart from other parts.
        return StoredBytes(
            key: "\(bytes.key)[\(part.lowerBound)..<\(part.upperBound)]", region: region, isBigEndian: bytes.isBigEndian
        )
    }

    /// Plain pickles hold each storage as `torch.storage._load_from_bytes(bytes)`: a legacy stream within the pickle.
    private mutating func embeddedStorage(_ id: PickleNode.ID) throws -> (DeclaredStorage, StoredBytes)? {
        guard let object = graph.object(id),
            graph.callable(of: object) == PickleGlobal("torch.storage", "_load_from_bytes"),
            let argument = graph.tuple(object.arguments)?.first
        else { return nil }
        let name = "embedded \(id)"
        if let known = storages[name] { return (known.declared, known.bytes) }
        guard let bytes = graph.byteString(argument) else { throw invalid("an embedded storage without bytes") }
        let stream = try LegacyStream(bytes, limits: limits)
        guard let inner = try DeclaredStorage(stream.graph.root, in: stream.graph) else {
            throw invalid("an embedded stream that is no storage")
        }
        let stored = try stream.storage(key: inner.key, byteCount: inner.byteCount)
        let renamed = StoredBytes(key: name, region: stored.region, isBigEndian: stored.isBigEndian)
        let result = (
            DeclaredStorage(key: name, type: inner.type, byteCount: inner.byteCount, part: inner.part), renamed
        )
        storages[name] = result
        return (result.0, try Self.part(result.0, of: renamed))
    }
}
