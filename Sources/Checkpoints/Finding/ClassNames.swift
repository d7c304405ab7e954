// SPDX-License-Identifier: MIT

import Text

/// The names of the classes that a checkpoint keeps beside its weights, as training scripts write them: a list `classes`, a
/// dict `class_to_idx` of names and numbers, a dict `id2label` of numbers and names.
enum ClassNames {
    /// So many are taken at most.
    static let limit = 65_536
    private static let keys: Set<String> = [
        "class_names", "class_to_idx", "classes", "id2label", "idx_to_class", "label2id",
    ]
    /// Words for other things too: names of classes only where they stand beside the weights.
    private static let keysBesideWeights: Set<String> = ["categories", "label_names", "labels", "names"]
    private static let maxDepth = 3

    /// Whether the value at a place may be names of classes.
    static func mayStand(at path: String, depth: Int) -> Bool {
        guard (1...maxDepth).contains(depth) else { return false }
        let key = path.utf8.lastIndex(of: UInt8(ascii: ".")).map { String(path[path.utf8.index(after: $0)...]) } ?? path
        return keys.contains(key.asciiLowercased) || depth == 1 && keysBesideWeights.contains(key.asciiLowercased)
    }
}

extension PickleGraph {
    /// The names that a value gives to the numbers from 0 up; nil if it does anything else.
    func classNames(_ id: PickleNode.ID) -> [String]? {
        if let items = sequence(id) {
            let names = items.compactMap { string($0) }
            return !names.isEmpty && names.count == items.count && names.count <= ClassNames.limit ? names : nil
        }
        guard let pairs = pairs(id), !pairs.isEmpty, pairs.count <= ClassNames.limit else { return nil }
        var names = [String?](repeating: nil, count: pairs.count)
        for pair in pairs {
            let name: String?
            let number: Int?
            if let value = int(pair.value) {
                (name, number) = (string(pair.key), value)
            } else {
                (name, number) = (string(pair.value), int(pair.key) ?? string(pair.key).flatMap { Int($0) })
            }
            guard let name, let number, names.indices.contains(number), names[number] == nil else { return nil }
            names[number] = name
        }
        return names.compactMap(\.self)
    }
}
