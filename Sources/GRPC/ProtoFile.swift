// SPDX-License-Identifier: MIT

import JSON
import Text

/// One of the project's `.proto` files, as server reflection tells of it.
struct ProtoFile: Sendable {
    /// Its path below `Protos`.
    let name: String
    /// The full names of what it declares: messages, enumerations, services, methods.
    let symbols: Set<ByteText>
    /// The serialised `FileDescriptorProto`.
    let bytes: [UInt8]

    /// - Parameters:
    ///   - symbols: A name a line.
    ///   - base64: The serialised descriptor.
    init(name: String, symbols: String, base64: String) {
        guard let bytes = base64Decoded(base64.utf8) else {
            preconditionFailure("the descriptor of \(name) is damaged")
        }
        self.name = name
        self.symbols = Set(symbols.utf8.split(separator: ASCII.lineFeed).map { ByteText(Substring($0)) })
        self.bytes = bytes
    }
}
