// SPDX-License-Identifier: MIT

import JSON
import SystemCalls

/// A folder with some of the weights in each of several files, and an index that names the file of each weight:
/// `model.safetensors.index.json` and its like.
struct ShardedFolder {
    let folder: String
    private static let ending = ".index.json"

    /// Reads all shards that the index names.
    ///
    /// - Throws: ``CheckpointError``, `SystemError`.
    func open(limits: CheckpointLimits, selection: WeightsSelection, discardable: Bool) throws -> CheckpointContents {
        let index = try indexName(selection.member)
        let places = try map(index, limits: limits)
        var shards: [String] = []
        var seen: Set<String> = []
        for (_, shard) in places where seen.insert(shard).inserted { shards.append(shard) }
        let missing = shards.filter { (try? FileSystem.kind(of: path($0))) != .file }
        guard missing.isEmpty else {
            throw CheckpointError.missingShards(missing.sorted(), index: index)
        }
        var inner = selection
        inner.member = nil
        inner.keepsPrefixes = true
        var weights: [(name: String, tensor: StoredTensor)] = []
        var summary = CheckpointSummary(format: .sharded, wrappers: ["\(shards.count) files by \(index)"])
        summary.fileBytes = try FileSystem.size(of: path(index))
        summary.otherEntryBytes = summary.fileBytes
        summary.otherEntries = [index]
        var dropped: [ZipEntry] = []
        for shard in shards {
            let contents = try CheckpointContents.open(
                path: path(shard), limits: limits, selection: inner, discardable: discardable)
            weights += contents.weights.map { name, tensor in
                var tensor = tensor
                tensor.storage = tensor.storage.renamed("\(shard)/\(tensor.storage.key)")
                return (name, tensor)
            }
            summary.add(contents.summary)
            dropped += contents.droppedEntries
        }
        try check(weights, summary.unsupported.map(\.name), against: places, index: index)
        summary.tidyNames(of: &weights, keepsPrefixes: selection.keepsPrefixes)
        summary.noteAliases(among: weights)
        return CheckpointContents(weights: weights, summary: summary, droppedEntries: dropped)
    }

    private func path(_ name: String) -> String { folder + "/" + name }

    private func indexName(_ wanted: String?) throws -> String {
        let names = try FileSystem.names(in: folder)
        if let wanted {
            guard names.contains(wanted) else { throw CheckpointError.missingEntry(wanted) }
            return wanted
        }
        let indices = names.filter { $0.hasSuffix(Self.ending) }
        // Both formats may lie there with the same weights: safetensors first.
        let preferred = indices.filter { $0.contains("safetensors") }
        if preferred.count == 1 { return preferred[0] }
        if indices.count == 1 { return indices[0] }
        if indices.count > 1 { throw CheckpointError.memberChoice(candidates: indices) }
        if names.contains("saved_model.pb") {
            throw CheckpointError.unsupportedFormat(
                name: "a TensorFlow SavedModel", hint: "convert it with tf2onnx, then 'swiftnet add'")
        }
        if names.contains("data.pkl") {
            throw CheckpointError.unsupportedFormat(
                name: "the unpacked folder of a checkpoint", hint: "pack it again with 'zip -0 -r model.pth FOLDER'")
        }
        throw CheckpointError.unsupportedFormat(
            name: "a folder without an index of shards", hint: "name the checkpoint within it")
    }

    /// The names of the weights and their files, in the order of the index.
    private func map(_ index: String, limits: CheckpointLimits) throws -> [(name: String, shard: String)] {
        func malformed(_ reason: String, _ offset: Int = 0) -> CheckpointError {
            .malformed(part: index, offset: offset, reason: reason)
        }
        let bytes = try FileDescriptor.contents(of: path(index), limit: limits.maxHeaderBytes)
        guard bytes.count <= limits.maxHeaderBytes else {
            throw CheckpointError.limitExceeded(limit: "maxHeaderBytes", maximum: limits.maxHeaderBytes)
        }
        let document: JSONValue
        do {
            document = try JSONValue(parsing: bytes, maxMembers: limits.maxTensors)
        } catch {
            throw malformed(error.problem.description, error.offset)
        }
        guard let members = document["weight_map"]?.members, !members.isEmpty else {
            throw malformed("no 'weight_map'")
        }
        return try members.map { member in
            guard let shard = member.value.string else { throw malformed("'\(member.name)' has no file") }
            guard ArchiveNames.isPlain(shard), !shard.contains("/") else {
                throw CheckpointError.unsafeEntry(name: shard, reason: "a shard stands beside its index")
            }
            return (member.name, shard)
        }
    }

    /// Every weight of the index was there, and none twice.
    private func check(
        _ weights: [(name: String, tensor: StoredTensor)], _ unsupported: [String],
        against places: [(name: String, shard: String)], index: String
    ) throws {
        var seen: Set<String> = []
        for name in weights.map(\.name) + unsupported where !seen.insert(name).inserted {
            throw CheckpointError.clashingNames(first: name, second: name)
        }
        if let missing = places.first(where: { !seen.contains($0.name) }) {
            throw CheckpointError.invalidTensor(
                name: missing.name, reason: "\(index) says it is in \(missing.shard), and it is not")
        }
    }
}

extension CheckpointSummary {
    /// Adds what was found in one shard.
    fileprivate mutating func add(_ shard: CheckpointSummary) {
        fileBytes += shard.fileBytes
        weightBytes += shard.weightBytes
        notTakenBytes += shard.notTakenBytes
        trainingBytes += shard.trainingBytes
        otherTensorBytes += shard.otherTensorBytes
        unusedBytes += shard.unusedBytes
        pickleBytes += shard.pickleBytes
        otherEntryBytes += shard.otherEntryBytes
        unsupported += shard.unsupported
        passedOver += shard.passedOver
        foreignGlobals += shard.foreignGlobals.filter { !foreignGlobals.contains($0) }
    }
}
