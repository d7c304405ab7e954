// SPDX-License-Identifier: MIT

/// A file whose format is known and read, before the weights are looked for.
struct CheckpointContainer {
    enum Body {
        /// A pickle, and where its storages are.
        case pickle(PickleGraph, any StorageSource)
        /// Tensors by name, with nothing around them.
        case tensors([(name: String, tensor: StoredTensor)])
    }

    let body: Body
    var summary: CheckpointSummary
    /// The archive, where the file is one: its entries have checksums.
    var archive: TorchArchive?

    /// Opens what the bytes are, unpacking gzip and tar around it.
    static func open(_ file: ByteRegion, limits: CheckpointLimits, member: String?) throws -> CheckpointContainer {
        var region = file
        var wrappers: [String] = []
        var kind = try FileSignature(of: region)
        if kind == .gzip {
            region = try Gunzip.unpack(region, limits: limits)
            wrappers.append("gzip")
            kind = try FileSignature(of: region)
        }
        if kind == .tar {
            let tar = try TarArchive(region, limits: limits)
            if LegacyTar.isRecognised(tar), member == nil {
                return try torchTar(tar, limits: limits, wrappers: wrappers)
            }
            let chosen = try choose(tar, member: member)
            region = chosen.data
            wrappers.append("tar: \(chosen.name)")
            kind = try FileSignature(of: region)
        }
        guard kind != .gzip, kind != .tar else {
            throw CheckpointError.unsupportedFormat(
                name: "an archive within an archive (\(wrappers.joined(separator: ", ")))",
                hint: "unpack the outer one first")
        }
        return try openPlain(region, kind, limits: limits, wrappers: wrappers)
    }

    private static func openPlain(
        _ region: ByteRegion, _ kind: FileSignature, limits: CheckpointLimits, wrappers: [String]
    ) throws -> CheckpointContainer {
        var summary = CheckpointSummary(format: .torchZip, wrappers: wrappers)
        switch kind {
        case .zip:
            let archive = try TorchArchive(region, limits: limits)
            summary.format = archive.isTorchScript ? .torchScript : .torchZip
            summary.pickleBytes = archive.pickle.data.count
            summary.noteEntries(of: archive)
            return CheckpointContainer(body: .pickle(archive.graph, archive), summary: summary, archive: archive)
        case .legacyStream:
            let stream = try LegacyStream(region, limits: limits)
            summary.format = .torchLegacy
            summary.pickleBytes = stream.pickleRange.count
            return CheckpointContainer(body: .pickle(stream.graph, stream), summary: summary)
        case .safetensors:
            let file = try SafetensorsFile(region, limits: limits)
            summary.format = .safetensors
            summary.facts = file.metadata.map { ($0.name, $0.value) }
            return CheckpointContainer(body: .tensors(file.tensors), summary: summary)
        default:
            let graph = try PickleMachine.read(region, part: "pickle", limits: limits)
            guard graph.endOffset == region.count else {
                throw CheckpointError.malformed(
                    part: "pickle", offset: graph.endOffset, reason: "bytes after the pickle")
            }
            summary.format = .pickle
            summary.pickleBytes = region.count
            return CheckpointContainer(body: .pickle(graph, NoStorages()), summary: summary)
        }
    }

    private static func torchTar(
        _ tar: TarArchive, limits: CheckpointLimits, wrappers: [String]
    ) throws -> CheckpointContainer {
        let file = try LegacyTar(tar, limits: limits)
        var summary = CheckpointSummary(format: .torchTar, wrappers: wrappers)
        summary.pickleBytes = tar["pickle"]?.data.count ?? 0
        return CheckpointContainer(body: .pickle(file.graph, file), summary: summary)
    }

    /// The one member that is a checkpoint, or the one that was named.
    private static func choose(_ tar: TarArchive, member: String?) throws -> TarArchive.Member {
        if let member {
            guard let named = tar[member] else { throw CheckpointError.missingEntry(member) }
            return named
        }
        let candidates = tar.members.filter { member in
            guard let kind = try? FileSignature(of: member.data) else { return false }
            // Text can look like an old pickle: only PROTO is a signature.
            return kind != .tar && kind != .gzip && (kind != .pickle || member.data.hasPrefix([0x80]))
        }
        guard candidates.count == 1 else { throw CheckpointError.memberChoice(candidates: candidates.map(\.name)) }
        return candidates[0]
    }
}

/// The storages of a plain pickle: all are within it.
private struct NoStorages: StorageSource {
    func storage(key: String, byteCount: Int) throws -> StoredBytes {
        throw CheckpointError.missingEntry("storage \(key)")
    }
}
