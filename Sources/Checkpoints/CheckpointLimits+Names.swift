// SPDX-License-Identifier: MIT

extension CheckpointLimits {
    /// The limits by name, for command lines and messages.
    public static var names: [String] { table.map(\.name) }

    /// Sets a limit by its name; tells whether there is one.
    public mutating func set(_ name: String, to value: Int) -> Bool {
        guard let entry = Self.table.first(where: { $0.name == name }) else { return false }
        self[keyPath: entry.path] = value
        return true
    }

    private static var table: [(name: String, path: WritableKeyPath<CheckpointLimits, Int>)] {
        [
            ("maxFileBytes", \.maxFileBytes), ("maxArchiveEntries", \.maxArchiveEntries),
            ("maxNameBytes", \.maxNameBytes),
            ("maxUnpackedBytes", \.maxUnpackedBytes), ("maxCompressionRatio", \.maxCompressionRatio),
            ("maxPickleBytes", \.maxPickleBytes), ("maxOpcodes", \.maxOpcodes), ("maxStack", \.maxStack),
            ("maxMemo", \.maxMemo), ("maxDepth", \.maxDepth), ("maxTensors", \.maxTensors), ("maxRank", \.maxRank),
            ("maxViewBytes", \.maxViewBytes), ("maxHeaderBytes", \.maxHeaderBytes),
        ]
    }
}
