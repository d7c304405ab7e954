// SPDX-License-Identifier: MIT

import Fleet
import SystemCalls

/// The file in which a server keeps over a restart what clients have changed of its models.
extension ServerConfiguration {
    /// The settings with these changes made.
    ///
    /// - Throws: `SystemError`, `InferenceError`, or ``ConfigurationError`` if the file is damaged.
    package func withModelsOfState() throws -> ServerConfiguration {
        let changes = try keptChanges()
        if changes.isEmpty { return self }
        var configuration = self
        configuration.models = changes.reduce(try servedModels()) { $1.applied(to: $0) }
        return configuration
    }

    /// Keeps another change, if there is a file for it.
    ///
    /// - Throws: `SystemError`, or ``ConfigurationError`` if the file is damaged.
    func keep(_ change: ModelChange) throws {
        guard let stateFile else { return }
        let changes = ModelChange.added(change, to: try keptChanges())
        let file = try FileWriter(replacing: stateFile)
        try file.write(Array(ModelChange.text(of: changes).utf8))
        try file.finish()
    }

    private func keptChanges() throws -> [ModelChange] {
        guard let stateFile, (try? FileSystem.kind(of: stateFile)) != nil else { return [] }
        let bytes = try FileDescriptor.contents(of: stateFile, limit: 1 << 20)
        do {
            return try ModelChange.changes(in: String(decoding: bytes, as: UTF8.self))
        } catch {
            throw ConfigurationError.invalidValue(
                key: "state-file", value: stateFile,
                expected: "the file of an earlier run, or none; \(error)")
        }
    }
}
