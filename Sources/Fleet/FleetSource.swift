// SPDX-License-Identifier: MIT

/// What the supervisor asks of the rest of the server.
package struct FleetSource {
    /// Reads the settings again, for a reload.
    let reconfigure: () throws -> ServerConfiguration
    /// Reads the text of the file of keys that settings name, and checks it; nil if they name none. Read once for each
    /// reload: every worker of a generation has the same keys, whatever becomes of the file.
    let keys: (ServerConfiguration) throws -> [UInt8]?
    /// Keeps what a client has changed for the next start, where the settings want that.
    let keep: (ServerConfiguration, ModelChange) throws -> Void

    package init(
        reconfigure: @escaping () throws -> ServerConfiguration,
        keys: @escaping (ServerConfiguration) throws -> [UInt8]?,
        keep: @escaping (ServerConfiguration, ModelChange) throws -> Void
    ) {
        self.reconfigure = reconfigure
        self.keys = keys
        self.keep = keep
    }
}
