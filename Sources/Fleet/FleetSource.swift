// SPDX-License-Identifier: MIT

/// What the supervisor asks of the rest of the server.
package struct FleetSource {
    /// Reads the settings again, for a reload.
    let reconfigure: () throws -> ServerConfiguration
    /// Looks at what the settings name outside themselves, files of keys for example.
    let check: (ServerConfiguration) throws -> Void
    /// The names of the models that settings serve.
    let servedModels: (ServerConfiguration) throws -> [String]

    package init(
        reconfigure: @escaping () throws -> ServerConfiguration,
        check: @escaping (ServerConfiguration) throws -> Void,
        servedModels: @escaping (ServerConfiguration) throws -> [String]
    ) {
        self.reconfigure = reconfigure
        self.check = check
        self.servedModels = servedModels
    }
}
