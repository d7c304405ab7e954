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
    /// The archive of an exported program.
    var export: ExportArchive?

    /// Opens what the bytes are, unpacking gzip and tar around it.
    static func open(_ file: ByteRegion, limits: CheckpointLimits, member: String?) throws -> CheckpointContainer {
        var region = file
        var wrappers: [String] = []
        var passedOver: [String] = []
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
            let members = tar.members.map { member in
                PackedMember(name: member.name, beginning: member.data) { member.data }
            }
            let chosen = try choose(members, member: member)
            region = try chosen.contents()
            passedOver += tar.bystanders.map { "\($0.name): \($0.fault)" }
            wrappers.append("tar: \(chosen.name)")
            kind = try FileSignature(of: region)
        } else if kind == .zip, let chosen = try packedMember(of: region, limits: limits, member: member) {
            region = try chosen.contents()
            wrappers.append("zip: \(chosen.name)")
            kind = try FileSignature(of: region)
        }
        guard kind != .gzip, kind != .tar else {
            throw CheckpointError.unsupportedFormat(
                name: "an archive within an archive (\(wrappers.joined(separator: ", ")))",
                hint: "unpack the outer one first")
        }
        var opened = try openPlain(region, kind, limits: limits, wrappers: wrappers)
        opened.summary.passedOver += passedOver
        return opened
    }

    private static func openPlain(
        _ region: ByteRegion, _ kind: FileSignature, limits: CheckpointLimits, wrappers: [String]
    ) throws -> CheckpointContainer {
        var summary = CheckpointSummary(format: .torchZip, wrappers: wrappers)
        switch kind {
        case .zip:
            return try openZip(ZipArchive(region, limits: limits), limits: limits, summary: summary)
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

    private static func openZip(
        _ zip: ZipArchive, limits: CheckpointLimits, summary: CheckpointSummary
    ) throws -> CheckpointContainer {
        var summary = summary
        summary.passedOver += zip.bystanders.map { "\($0.name): \($0.fault)" }
        if ExportArchive.isRecognised(zip) {
            let export = try ExportArchive(zip, limits: limits)
            guard export.models.count == 1 else { throw CheckpointError.memberChoice(candidates: export.models) }
            summary.format = .export
            summary.noteEntries(zip.entries, folder: export.folder, storages: ["data/weights/", "data/constants/"])
            if let labels = try export.labels() {
                (summary.classNames, summary.classNamesPlace) = (labels, ExportArchive.labelsName)
            }
            var container = CheckpointContainer(
                body: .tensors(try export.tensors(.weights, of: export.models[0])), summary: summary)
            container.export = export
            return container
        }
        guard let folder = try TorchArchive.folder(in: zip) else {
            throw CheckpointError.missingEntry("data.pkl in a folder of its own")
        }
        let archive = try TorchArchive(zip, folder: folder, limits: limits)
        summary.format = archive.isTorchScript ? .torchScript : .torchZip
        summary.pickleBytes = archive.pickle.data.count
        summary.noteEntries(
            zip.entries.filter { $0.name != archive.pickle.name }, folder: folder, storages: ["data/", "constants/"])
        return CheckpointContainer(body: .pickle(archive.graph, archive), summary: summary, archive: archive)
    }

    private static func torchTar(
        _ tar: TarArchive, limits: CheckpointLimits, wrappers: [String]
    ) throws -> CheckpointContainer {
        let file = try LegacyTar(tar, limits: limits)
        var summary = CheckpointSummary(format: .torchTar, wrappers: wrappers)
        summary.pickleBytes = tar["pickle"]?.data.count ?? 0
        return CheckpointContainer(body: .pickle(file.graph, file), summary: summary)
    }

    /// Something in a tar or zip that could be a checkpoint.
    private struct PackedMember {
        let name: String
        /// The first bytes: enough to tell its format.
        let beginning: ByteRegion
        let contents: () throws -> ByteRegion
    }

    /// The checkpoint within a zip that is none itself; nil for one that is.
    private static func packedMember(
        of region: ByteRegion, limits: CheckpointLimits, member: String?
    ) throws -> PackedMember? {
        let zip = try ZipArchive(region, limits: limits)
        if member == nil, try ExportArchive.isRecognised(zip) || TorchArchive.folder(in: zip) != nil { return nil }
        try ForeignFile.refuse(zip)
        let members = zip.entries.map { entry in
            PackedMember(name: entry.name, beginning: entry.beginning()) { try entry.unpacked(limits: limits) }
        }
        return try choose(members, member: member)
    }

    /// The one member that is a checkpoint, or the one that was named.
    private static func choose(_ members: [PackedMember], member: String?) throws -> PackedMember {
        if let member {
            guard let named = members.first(where: { $0.name == member }) else {
                throw CheckpointError.missingEntry(member)
            }
            return named
        }
        let candidates = members.filter { member in
            guard let kind = try? FileSignature(of: member.beginning, isWhole: false) else { return false }
            // Text can look like an old pickle: only PROTO is a signature.
            return kind != .tar && kind != .gzip && (kind != .pickle || member.beginning.hasPrefix([0x80]))
        }
        // An optimizer saved beside the weights is not meant.
        let weights = candidates.filter { !WeightsFinder.isTrainingState($0.name.replacing("/", with: ".")) }
        if weights.count == 1 { return weights[0] }
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
