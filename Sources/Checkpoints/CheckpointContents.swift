// SPDX-License-Identifier: MIT

import SystemCalls
import Tensors

/// A checkpoint file, taken apart: which tensors are the weights, and what else there is.
///
/// No tensor's bytes have been read yet, and no checksum of them verified.
package struct CheckpointContents: Sendable {
    /// Names and tensors, in the order of the file.
    package let weights: [(name: String, tensor: StoredTensor)]
    package let summary: CheckpointSummary
    /// The archive's entries that the weights do not need, in its order; empty for files that have no checksums.
    package let droppedEntries: [ZipEntry]

    /// Opens a file.
    ///
    /// - Throws: ``CheckpointError``; `SystemError` where the file cannot be read.
    package static func open(
        path: String, limits: CheckpointLimits, selection: WeightsSelection, discardable: Bool = false
    ) throws -> CheckpointContents {
        let mapping = try MappedFile(path: path, discardable: discardable)
        let file = ByteRegion(owner: mapping, bytes: mapping.bytes)
        defer { mapping.discardAll() }
        return try read(file, limits: limits, selection: selection)
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
            summary.account(survey: [], weights: tensors)
        case .pickle(let graph, let source):
            var survey = try PickleSurvey(graph: graph, source: source, limits: limits)
            let chosen = try WeightsFinder.choose(survey, key: selection.key)
            (weights, summary.otherItems) = try survey.weights(of: chosen)
            guard !weights.isEmpty else { throw CheckpointError.noWeights(found: "'\(chosen.path)' holds no tensors") }
            summary.weightsPath = chosen.path
            summary.candidates = survey.candidates.filter { candidate in
                candidate.path != chosen.path && !candidate.holdsScalarsOnly
                    && !WeightsFinder.isTrainingState(candidate.path)
            }.map(\.path)
            let ownNames = Set(weights.map(\.name))
            summary.facts = survey.facts.filter { fact in
                chosen.path.isEmpty ? !ownNames.contains(fact.name) : !fact.name.hasPrefix(chosen.path + ".")
            }
            summary.foreignGlobals = graph.foreignGlobals()
            summary.account(survey: survey.tensors, weights: weights)
        }
        summary.takeUnsupported(from: &weights)
        summary.tidyNames(of: &weights, keepsPrefixes: selection.keepsPrefixes)
        try Self.checkNames(weights)
        summary.noteAliases(among: weights)
        try Self.checkViewBytes(weights, limits: limits)
        self.weights = weights
        self.summary = summary
        droppedEntries = opened.archive?.entries(without: weights.map(\.tensor.storage.key)) ?? []
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
                guard let type = stored.type.elementType, stored.byteCount <= stored.storage.region.count else {
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
        var verified: Set<String> = []
        for (_, tensor) in weights where verified.insert(tensor.storage.key).inserted {
            try tensor.storage.verifyChecksum()
        }
    }

    /// Verifies the checksums of all that is dropped. Costs the time of reading it.
    ///
    /// - Throws: `CheckpointError.checksumMismatch`, `.malformed`.
    package func verifyDropped() throws {
        for entry in droppedEntries { try entry.verifyChecksum() }
    }
}
