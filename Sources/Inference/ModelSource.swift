// SPDX-License-Identifier: MIT

/// Where a model comes from, and what holds of it, before its weights are read.
package struct ModelSource: Sendable {
    /// Path of the file.
    package let path: String
    let name: String
    /// What its repository says; nil for a file by itself.
    let description: ModelDescription?
    let version: Int
    let precision: Precision
    package let options: GraphModelOptions

    /// Finds a version in a repository, the newest unless one is named.
    ///
    /// - Throws: `InferenceError.unknownModel`, `.unknownVersion`, `.noPrecision` or `.invalidDescription`.
    package init(
        _ name: String, version: Int? = nil, precision: Precision = .float32, in repository: ModelRepository,
        options: GraphModelOptions = GraphModelOptions()
    ) throws {
        let entry = try repository.entry(name, version: version, precision: precision)
        path = entry.path
        self.name = entry.description.name
        description = entry.description
        self.version = entry.version
        self.precision = precision
        self.options = options
    }

    /// A file by itself.
    package init(
        weights path: String, name: String, description: ModelDescription? = nil,
        options: GraphModelOptions = GraphModelOptions()
    ) {
        self.path = path
        self.name = name
        self.description = description
        version = 0
        precision = .float32
        self.options = options
    }

    /// Whether it is a file by itself.
    package var isFile: Bool { version == 0 }

    /// What the network takes, where that is known before the file is read.
    package var input: ModelDescription.Input? { description?.with(options).input }
}
