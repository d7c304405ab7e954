// SPDX-License-Identifier: MIT

import SystemCalls
import Tensors

/// A checkpoint file, taken apart: which tensors are the weights, and what else there is.
///
/// No tensor's bytes have been read yet, and no checksum of them verified.
package struct CheckpointContents: Sendable {
    /// Names and tensors, in the order of the file.
    package private(set) var weights: [(name: String, tensor: StoredTensor)]
    package private(set) var summary: CheckpointSummary
    /// The archive's entries that the weights do not need, in its order; empty for files that have no checksums.
    package let droppedEntries: [ZipEntry]

    /// Opens a file.
    ///
    /// - Throws: ``CheckpointError``; `SystemError` where the file cannot be read.
    package static func open(
        path: String, limits: CheckpointLimits, selection: WeightsSelection, discardable: Bool = false
    ) throws -> CheckpointContents {
        if path != "-", try FileSystem.kind(of: path) == .directory {
            return try ShardedFolder(folder: path).open(limits: limits, selection: selection, discardable: discardable)
        }
        let mapping = try map(path, discardable: discardable, limits: limits)
        let file = ByteRegion(owner: mapping, bytes: mapping.bytes)
        defer { mapping.discardAll() }
        return try read(file, limits: limits, selection: selection)
    }

    /// The places of all networks in a file, as `key` takes them; empty where a file has one set of weights by its format.
    ///
    /// - Throws: as ``open(path:limits:selection:discardable:)``.
    package static func places(
        path: String, limits: CheckpointLimits, selection: WeightsSelection, discardable: Bool
    ) throws -> [String] {
        if path != "-", try FileSystem.kind(of: path) == .directory { return [] }
        let mapping = try map(path, discardable: discardable, limits: limits)
        let file = ByteRegion(owner: mapping, bytes: mapping.bytes)
        let opened = try CheckpointContainer.open(file, limits: limits, member: selection.member)
        guard case .pickle(let graph, let source) = opened.body else { return [] }
        let survey = try PickleSurvey(graph: graph, source: source, limits: limits)
        return survey.candidates.filter { !$0.holdsScalarsOnly && !WeightsFinder.isTrainingState($0.path) }.map(\.path)
    }

    /// Maps a file. What comes through a pipe, or from standard input (`-`), goes to a temporary file first.
    private static func map(_ path: String, discardable: Bool, limits: CheckpointLimits) throws -> MappedFile {
        let isStandardInput = path == "-" || path == "/dev/stdin"
        if !isStandardInput, try FileSystem.kind(of: path) == .file {
            return try MappedFile(path: path, discardable: discardable)
        }
        let descriptor =
            try isStandardInput ? FileDescriptor.standardInput() : FileDescriptor.open(path, FileDescriptor.readOnly)
        let most = min(limits.maxFileBytes, limits.maxUnpackedBytes)
        return try TemporaryFile.holding(descriptor, limit: most) {
            CheckpointError.limitExceeded(limit: "maxUnpackedBytes", maximum: most)
        }
    }

    /// Takes apart bytes that are already in memory.
    package static func read(
        _ file: ByteRegion, limits: CheckpointLimits, selection: WeightsSelection
    ) throws -> CheckpointContents {
        guard file.count <= limits.maxFileBytes else {
            throw CheckpointError.limitExceeded(limit: "maxFileBytes", maximum: limits.maxFileBytes)
        }
        var opened = try CheckpointContainer.open(file, limits: limits, member: selection.member)
        opened.summary.fileBytes = file.count
        return try CheckpointContents(opened, selection: selection, limits: limits)
    }

    private init(_ opened: CheckpointContainer, selection: WeightsSelection, limits: CheckpointLimits) throws {
        var summary = opened.summary
        var weights: [(name: String, tensor: StoredTensor)]
        switch opened.body {
        case .tensors(let tensors):
            weights = tensors
            let notTaken = summary.takeUnsupported(from: &weights)
            summary.account(survey: [], weights: weights, notTaken: notTaken)
            if weights.isEmpty, notTaken.isEmpty, !selection.allowsNothing {
                throw CheckpointError.noWeights(found: "the file holds no tensors")
            }
        case .pickle(let graph, let source):
            weights = try Self.weights(
                in: graph, source, of: opened, selection: selection, limits: limits, summary: &summary)
        }
        summary.tidyNames(of: &weights, keepsPrefixes: selection.keepsPrefixes)
        try Self.checkNames(weights)
        summary.noteAliases(among: weights)
        try Self.checkViewBytes(weights, limits: limits)
        self.weights = weights
        self.summary = summary
        let keys = weights.map(\.tensor.storage.key)
        droppedEntries = opened.archive?.entries(without: keys) ?? opened.export?.entries(without: keys) ?? []
    }

    /// Finds the weights in a pickle, and notes what else is there.
    private static func weights(
        in graph: PickleGraph, _ source: any StorageSource, of opened: CheckpointContainer, selection: WeightsSelection,
        limits: CheckpointLimits, summary: inout CheckpointSummary
    ) throws -> [(name: String, tensor: StoredTensor)] {
        var survey = try PickleSurvey(
            graph: graph, source: source, limits: limits, dequantises: selection.dequantises,
            script: opened.archive?.isTorchScript == true
                ? opened.archive.map { TorchScriptCode($0, limits: limits) } : nil)
        summary.foreignGlobals = graph.foreignGlobals()
        summary.passedOver += survey.passedOver
        if let found = survey.classNames {
            summary.classNames = found.names
            summary.classNamesPlace = found.path
        }
        var weights: [(name: String, tensor: StoredTensor)] = []
        let chosen = try WeightsFinder.choose(survey, key: selection.key, allowsNothing: selection.allowsNothing)
        if let chosen {
            (weights, summary.otherItems) = try survey.weights(of: chosen)
            summary.weightsPath = chosen.path
            summary.candidates = survey.candidates.filter { candidate in
                candidate.path != chosen.path && !candidate.holdsScalarsOnly
                    && !WeightsFinder.isTrainingState(candidate.path)
            }.map(\.path)
            let ownNames = Set(weights.map(\.name))
            summary.facts = survey.facts.filter { fact in
                chosen.path.isEmpty ? !ownNames.contains(fact.name) : !fact.name.hasPrefix(chosen.path + ".")
            }
        }
        if weights.isEmpty, let constants = try opened.archive?.constants() {
            weights = try Self.constants(
                constants.graph, constants.source, limits: limits, dequantises: selection.dequantises)
            if !weights.isEmpty {
                summary.notes.append(
                    "frozen TorchScript: the weights are constants without names; c0, c1, ... are those of its code")
            }
        }
        let notTaken = summary.takeUnsupported(from: &weights)
        guard !weights.isEmpty || !notTaken.isEmpty || selection.allowsNothing else {
            throw survey.isCutOff
                ? CheckpointError.limitExceeded(limit: "maxDepth", maximum: limits.maxDepth)
                : .noWeights(found: "the file holds a network without any weights")
        }
        summary.account(survey: survey.tensors, weights: weights, notTaken: notTaken)
        return weights
    }

    /// The tensors among the constants of a program.
    private static func constants(
        _ graph: PickleGraph, _ source: any StorageSource, limits: CheckpointLimits, dequantises: Bool
    ) throws -> [(name: String, tensor: StoredTensor)] {
        var rebuilder = TensorRebuilder(graph: graph, source: source, limits: limits, dequantises: dequantises)
        return try (graph.sequence(graph.root) ?? []).enumerated().compactMap { index, id in
            try rebuilder.tensor(id).map { ("c\(index)", $0) }
        }
    }

    /// Contents put together from several files.
    init(weights: [(name: String, tensor: StoredTensor)], summary: CheckpointSummary, droppedEntries: [ZipEntry]) {
        self.weights = weights
        self.summary = summary
        self.droppedEntries = droppedEntries
    }

    /// Leaves weights out that the written format can't hold; they are reported as not taken.
    package mutating func keepOnly(whatFits format: WeightsWriter.Format) {
        summary.leaveOut(from: &weights) { TensorPlan.obstacle(to: format, of: $0) }
    }

    /// Leaves weights out that are no tensors of SwiftNet.
    mutating func keepOnlyElementTypes() {
        summary.leaveOut(from: &weights) { tensor in
            tensor.elementType == nil ? "elements of type \(tensor.typeName)" : nil
        }
    }

    /// Modules within modules can make one name in two ways.
    private static func checkNames(_ weights: [(name: String, tensor: StoredTensor)]) throws {
        var seen: Set<String> = []
        for (name, _) in weights where !seen.insert(name).inserted {
            throw CheckpointError.clashingNames(first: name, second: name)
        }
    }

    /// Views may need more memory, or more of the disk, than the file has bytes: what they add is bounded before any is made.
    private static func checkViewBytes(
        _ weights: [(name: String, tensor: StoredTensor)], limits: CheckpointLimits
    ) throws {
        // What stands in the file as it is needs no more than its storage, unless tensors overlap.
        var free = 0
        var storages: Set<String> = []
        for (_, tensor) in weights where tensor.plainBytes != nil && storages.insert(tensor.storage.key).inserted {
            free += tensor.storage.region.count
        }
        var total = 0
        for (_, tensor) in weights {
            let fromFile = tensor.plainBytes == nil ? 0 : min(free, tensor.byteCount)
            free -= fromFile
            let (sum, overflow) = total.addingReportingOverflow(tensor.byteCount - fromFile)
            guard !overflow, sum <= limits.maxViewBytes else {
                throw CheckpointError.limitExceeded(limit: "maxViewBytes", maximum: limits.maxViewBytes)
            }
            total = sum
        }
    }

    /// The names, shapes and types of the weights, for recognising a network. The values are not to be read.
    package func outline() throws -> StateDict {
        try StateDict(
            weights.compactMap { name, stored in
                guard let type = stored.elementType, stored.elementCount * type.byteCount <= stored.storage.region.count
                else {
                    return nil
                }
                let region = stored.storage.region
                let storage = TensorStorage(borrowing: region.bytes, owner: region.owner)
                return (name, try Tensor(shape: Shape(checking: stored.sizes), elementType: type, storage: storage))
            })
    }

    /// Verifies the checksums of all storages that the weights stand on, each once.
    ///
    /// - Throws: `CheckpointError.checksumMismatch`.
    package func verifyChecksums() throws {
        var keys: Set<String> = []
        try StoredBytes.verifyChecksums(
            of: weights.map(\.tensor.storage).filter { $0.checksum != nil && keys.insert($0.key).inserted })
    }

    /// Verifies the checksums of all that is dropped. Costs the time of reading it.
    ///
    /// - Throws: `CheckpointError.checksumMismatch`, `.malformed`.
    package func verifyDropped() throws {
        for entry in droppedEntries { try entry.verifyChecksum() }
    }
}
