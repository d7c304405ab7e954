// SPDX-License-Identifier: MIT

import HTTP
import SystemCalls
import Text

/// Who is at the other end of a connection.
package struct Peer: Equatable, Sendable {
    /// The address at the other end; nil for a socket in the file system.
    package let address: IPAddress?
    /// Whether it came to an address that only this machine reaches: of loopback, or in the file system.
    package let isLocal: Bool
    /// Whether it came to an address where metrics are read and nothing else.
    package let isForMetrics: Bool

    package init(address: IPAddress?, isLocal: Bool, isForMetrics: Bool = false) {
        self.address = address
        self.isLocal = isLocal
        self.isForMetrics = isForMetrics
    }
}

/// The proxies whose word for the client's address is taken.
package struct TrustedProxies: Equatable, Sendable {
    private let networks: [IPNetwork]
    private let trustsAll: Bool

    /// This machine's own, as gunicorn has it.
    package static let standard = TrustedProxies("127.0.0.1,::1") ?? TrustedProxies(networks: [], trustsAll: false)

    private init(networks: [IPNetwork], trustsAll: Bool) {
        self.networks = networks
        self.trustsAll = trustsAll
    }

    /// Reads addresses and networks with commas between, or `*` for all.
    ///
    /// - Returns: nil if one is no address.
    package init?(_ text: String) {
        let parts = ByteText(text).split(separator: ASCII.comma).map(\.trimmed).filter { !$0.isEmpty }
        if parts == ["*"] {
            self.init(networks: [], trustsAll: true)
            return
        }
        let networks = parts.compactMap { IPNetwork($0.string) }
        guard networks.count == parts.count else { return nil }
        self.init(networks: networks, trustsAll: false)
    }

    /// The text that ``init(_:)`` reads.
    package var text: String { trustsAll ? "*" : networks.map(\.description).joined(separator: ",") }

    private func trusts(_ address: IPAddress) -> Bool { trustsAll || networks.contains { $0.contains(address) } }

    /// Whose request it is: the last address in X-Forwarded-For that no trusted proxy has. Each proxy adds whom it got the
    /// request from, so what stands before an untrusted address is hearsay. A peer in the file system is trusted.
    ///
    /// - Returns: nil for a peer in the file system that names nobody.
    package func client(of peer: Peer, _ headers: HeaderFields) -> IPAddress? {
        var client = peer.address
        for hop in headers.list("x-forwarded-for").reversed() {
            if let client, !trusts(client) { return client }
            guard let address = Self.address(hop) else { return client }
            client = address
        }
        return client
    }

    /// Reads an address that may have a port.
    private static func address(_ text: ByteText) -> IPAddress? {
        if let address = IPAddress(text.string) { return address }
        let bytes = Array(text.utf8)
        guard let colon = bytes.lastIndex(of: ASCII.colon) else { return nil }
        if bytes.first == UInt8(ascii: "["), let end = bytes.lastIndex(of: UInt8(ascii: "]")) {
            return IPAddress(ByteText(decoding: bytes[1..<end]).string)
        }
        return IPAddress(ByteText(decoding: bytes[..<colon]).string)
    }
}
