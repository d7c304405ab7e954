// SPDX-License-Identifier: MIT

import Tensors

/// The weights of a checkpoint file, and what else the file holds.
///
/// Reads every format of ``CheckpointFormat``, by content: the file's name does not matter. Code in the file is never run.
/// Tensors stand in the mapped file where their bytes allow it, and are copied where they do not: strided views, big-endian
/// or unaligned bytes, packed archives.
public struct Checkpoint: Sendable {
    /// Only the weights, in the order of the file.
    public let stateDict: StateDict
    /// What was found, kept and left out.
    public let summary: CheckpointSummary

    /// The kind of file.
    public var format: CheckpointFormat { summary.format }

    /// Opens a file and verifies the checksums of its weights.
    ///
    /// - Parameters:
    ///   - path: The file. It must not be shortened while the weights are in use; replace it by renaming.
    ///   - limits: What reading it may cost.
    ///   - selection: Which weights, and under which names.
    /// - Throws: ``CheckpointError`` for a file that is not sound or has no weights; `SystemError` for one that cannot be
    ///   read.
    public static func open(
        path: String, limits: CheckpointLimits = CheckpointLimits(), selection: WeightsSelection = WeightsSelection()
    ) throws -> Checkpoint {
        try Checkpoint(CheckpointContents.open(path: path, limits: limits, selection: selection))
    }

    /// Opens a checkpoint that is already in memory, as ``open(path:limits:selection:)`` does a file.
    ///
    /// - Throws: ``CheckpointError``.
    public static func read(
        _ bytes: [UInt8], limits: CheckpointLimits = CheckpointLimits(),
        selection: WeightsSelection = WeightsSelection()
    ) throws -> Checkpoint {
        try Checkpoint(CheckpointContents.read(ByteRegion(copying: bytes), limits: limits, selection: selection))
    }

    /// Takes the weights out of what was read, verifying their checksums.
    package init(_ contents: CheckpointContents) throws {
        var contents = contents
        contents.keepOnlyElementTypes()
        guard !contents.weights.isEmpty || contents.summary.unsupported.isEmpty else {
            let first = contents.summary.unsupported[0]
            throw CheckpointError.noWeights(
                found:
                    "none of \(contents.summary.unsupported.count) tensors can be taken; '\(first.name)': \(first.reason)"
            )
        }
        try contents.verifyChecksums()
        var made: [StoredTensorIdentity: Tensor] = [:]
        stateDict = try StateDict(
            contents.weights.map { name, stored in
                if let tensor = made[stored.identity], tensor.shape.dimensions == stored.sizes { return (name, tensor) }
                let tensor = try stored.tensor(named: name)
                made[stored.identity] = tensor
                return (name, tensor)
            })
        summary = contents.summary
    }
}
