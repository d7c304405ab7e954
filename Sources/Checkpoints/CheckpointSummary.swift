// SPDX-License-Identifier: MIT

/// What was found in a checkpoint file, and where its bytes are.
public struct CheckpointSummary: Sendable {
    /// The kind of file.
    public internal(set) var format: CheckpointFormat
    /// What was unpacked around it, outermost first: `gzip`, `tar: model.pth`.
    public internal(set) var wrappers: [String]
    /// Where the weights were found, keys joined by dots; empty for the whole file.
    public internal(set) var weightsPath = ""
    /// Other places that could have been meant.
    public internal(set) var candidates: [String] = []
    /// Prefixes that were removed from the names, in order.
    public internal(set) var removedPrefixes: [String] = []
    /// Entries among the weights that are no tensors of a network, by name: they are left out.
    public internal(set) var otherItems: [String] = []
    /// Weights that cannot be taken, by name, with the reason.
    public internal(set) var unsupported: [(name: String, reason: String, bytes: Int)] = []
    /// Names that share the elements of a weight before them.
    public internal(set) var aliases: [(name: String, of: String)] = []
    /// Single values beside the weights: epoch, best accuracy.
    public internal(set) var facts: [(name: String, value: String)] = []
    /// Names of the network's classes, in the order of its numbers, where the checkpoint keeps them; empty if it does not.
    public internal(set) var classNames: [String] = []
    /// Where they stand, keys joined by dots; empty where there are none.
    public internal(set) var classNamesPlace = ""
    /// Names of Python objects that a state dict does not need, with how a scanner would rate them.
    public internal(set) var foreignGlobals: [ForeignGlobal] = []
    /// What the reader wants to say of the weights, in sentences.
    public internal(set) var notes: [String] = []
    /// What was passed over, with the reason: links, values that are nested too deep.
    public internal(set) var passedOver: [String] = []
    /// Archive entries that are neither the pickle nor a tensor: code, versions, notes.
    public internal(set) var otherEntries: [String] = []

    /// Bytes of the file.
    public internal(set) var fileBytes = 0
    /// Bytes of storages that the weights stand on.
    public internal(set) var weightBytes = 0
    /// Bytes of storages of weights that were not taken.
    public internal(set) var notTakenBytes = 0
    /// Bytes of storages that only the optimizer and its like stand on.
    public internal(set) var trainingBytes = 0
    /// Bytes of storages of other tensors.
    public internal(set) var otherTensorBytes = 0
    /// Bytes of storages that no tensor stands on.
    public internal(set) var unusedBytes = 0
    /// Bytes of the pickle.
    public internal(set) var pickleBytes = 0
    /// Bytes of the other entries.
    public internal(set) var otherEntryBytes = 0
    /// Tensors of the optimizer and its like.
    public internal(set) var trainingTensors = 0
    /// Tensors that are neither weights nor the optimizer's.
    public internal(set) var otherTensors = 0

    init(format: CheckpointFormat, wrappers: [String]) {
        self.format = format
        self.wrappers = wrappers
    }

    /// What is left of the file: headers, directories, padding; what compression saves counts against it.
    public var containerBytes: Int {
        fileBytes - weightBytes - notTakenBytes - trainingBytes - otherTensorBytes - unusedBytes - pickleBytes
            - otherEntryBytes
    }
}

// MARK: - Filling it in

extension CheckpointSummary {
    /// Sorts the storages of all tensors by who stands on them.
    mutating func account(
        survey: [(path: String, tensor: StoredTensor)], weights: [(name: String, tensor: StoredTensor)],
        notTaken: [StoredTensor]
    ) {
        var counted: Set<String> = []
        let names = Set(weights.map(\.tensor.identity) + notTaken.map(\.identity))
        for (_, tensor) in weights where counted.insert(tensor.storage.key).inserted {
            weightBytes += tensor.storage.region.count
        }
        for tensor in notTaken where counted.insert(tensor.storage.key).inserted {
            notTakenBytes += tensor.storage.region.count
        }
        for (path, tensor) in survey where !names.contains(tensor.identity) {
            let isTraining = WeightsFinder.isTrainingState(path)
            if isTraining { trainingTensors += 1 } else { otherTensors += 1 }
            guard counted.insert(tensor.storage.key).inserted else { continue }
            if isTraining {
                trainingBytes += tensor.storage.region.count
            } else {
                otherTensorBytes += tensor.storage.region.count
            }
        }
        // A plain pickle holds its storages within itself.
        if format == .pickle { pickleBytes -= weightBytes + notTakenBytes + trainingBytes + otherTensorBytes }
        unusedBytes = max(0, unusedBytes - weightBytes - notTakenBytes - trainingBytes - otherTensorBytes)
    }

    /// Counts all storages of an archive as unused until ``account(survey:weights:notTaken:)`` finds their users.
    mutating func noteEntries(_ entries: [ZipEntry], folder: String, storages: [String]) {
        for entry in entries {
            if storages.contains(where: { entry.name.hasPrefix(folder + $0) && !entry.name.hasSuffix(".json") }) {
                unusedBytes += entry.data.count
            } else {
                otherEntries.append(
                    entry.name.hasPrefix(folder) ? String(entry.name.dropFirst(folder.count)) : entry.name)
                otherEntryBytes += entry.data.count
            }
        }
    }

    /// Moves what cannot be taken from the weights to the report, and answers it.
    mutating func takeUnsupported(from weights: inout [(name: String, tensor: StoredTensor)]) -> [StoredTensor] {
        let left = weights.filter { $0.tensor.unsupported != nil }
        for (name, tensor) in left { unsupported.append((name, tensor.unsupported ?? "", tensor.byteCount)) }
        weights.removeAll { $0.tensor.unsupported != nil }
        return left.map(\.tensor)
    }

    /// Moves weights to the report that a written format can't hold.
    mutating func leaveOut(
        from weights: inout [(name: String, tensor: StoredTensor)], _ reason: (StoredTensor) -> String?
    ) {
        let left = weights.compactMap { weight in reason(weight.tensor).map { (weight, $0) } }
        guard !left.isEmpty else { return }
        let names = Set(left.map(\.0.name))
        weights.removeAll { names.contains($0.name) }
        var kept = Set(weights.map(\.tensor.storage.key))
        for ((name, tensor), reason) in left {
            unsupported.append((name, reason, tensor.byteCount))
            guard kept.insert(tensor.storage.key).inserted else { continue }
            weightBytes -= tensor.storage.region.count
            notTakenBytes += tensor.storage.region.count
        }
    }

    /// Removes the prefixes of wrappers. `AveragedModel` counts its steps beside `module.*`: the counter goes too.
    mutating func tidyNames(of weights: inout [(name: String, tensor: StoredTensor)], keepsPrefixes: Bool) {
        if keepsPrefixes { return }
        let counter = "n_averaged"
        if let index = weights.firstIndex(where: { $0.name == counter }), weights.count > 1,
            weights.allSatisfy({ $0.name == counter || $0.name.hasPrefix("module.") })
        {
            weights.remove(at: index)
            otherItems.append(counter)
        }
        let (names, removed) = KeyPrefix.removed(from: weights.map(\.name))
        removedPrefixes = removed
        for index in weights.indices { weights[index].name = names[index] }
    }

    mutating func noteAliases(among weights: [(name: String, tensor: StoredTensor)]) {
        var first: [StoredTensorIdentity: String] = [:]
        for (name, tensor) in weights where tensor.elementCount > 0 {
            if let original = first[tensor.identity] {
                aliases.append((name, original))
            } else {
                first[tensor.identity] = name
            }
        }
    }
}
