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
    /// The file's mapping, for a pass that gives back what it has read.
    package let mapping: MappedFile?

    /// Opens a file.
    ///
    /// - Throws: ``CheckpointError``; `SystemError` where the file cannot be read.
    package static func open(
        path: String, limits: CheckpointLimits, selection: WeightsSelection, discardable: Bool = false
    ) throws -> CheckpointContents {
        let mapping = try MappedFile(path: path, discardable: discardable)
        let file = ByteRegion(owner: mapping, bytes: mapping.bytes)
        return try read(file, limits: limits, selection: selection, mapping: mapping)
    }

    /// Takes apart bytes that are already in memory.
    package static func read(
        _ file: ByteRegion, limits: CheckpointLimits, selection: WeightsSelection, mapping: MappedFile? = nil
    ) throws -> CheckpointContents {
        guard file.count <= limits.maxFileBytes else {
            throw CheckpointError.limitExceeded(limit: "maxFileBytes", maximum: limits.maxFileBytes)
        }
        var opened = try CheckpointContainer.open(file, limits: limits, member: selection.member)
        opened.summary.fileBytes = file.count
        return try CheckpointContents(opened, selection: selection, limits: limits, mapping: mapping)
    }

    private init(
        _ opened: CheckpointContainer, selection: WeightsSelection, limits: CheckpointLimits, mapping: MappedFile?
    ) throws {
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
        summary.noteAliases(among: weights)
        try Self.checkViewBytes(weights, limits: limits)
        self.weights = weights
        self.summary = summary
        self.mapping = mapping
    }

    /// Views that cannot be taken as they stand need memory: their sum is bounded before any is made.
    private static func checkViewBytes(
        _ weights: [(name: String, tensor: StoredTensor)], limits: CheckpointLimits
    ) throws {
        var total = 0
        for (_, tensor) in weights where tensor.plainBytes == nil {
            let (sum, overflow) = total.addingReportingOverflow(tensor.byteCount)
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
        for (_, tensor) in weights {
            guard let expected = tensor.storage.checksum, verified.insert(tensor.storage.key).inserted else { continue }
            let actual = CRC32.of(tensor.storage.region.bytes)
            guard actual == expected else {
                throw CheckpointError.checksumMismatch(
                    entry: "storage \(tensor.storage.key)", expected: expected, actual: actual)
            }
        }
    }
}
