// SPDX-License-Identifier: MIT

import SystemCalls

/// A socket that the supervisor listens on for its workers.
struct Listener {
    /// The address as the settings have it; nil for a socket that came from the service manager.
    let address: SocketAddress?
    let descriptor: FileDescriptor
    /// Where it stands in the file system, if it does.
    var path: OwnedPath?

    /// The address that is really listened on: a port 0 has become the one that the system chose.
    var description: String {
        switch address {
        case .tcp(let host, 0):
            descriptor.localPort.map { SocketAddress.tcp(host: host, port: $0).description } ?? "\(host):0"
        case let address?: address.description
        case nil: "a socket of the service manager"
        }
    }
}

extension Supervisor {
    /// The sockets of these addresses: those that are there already, and new ones.
    ///
    /// - Throws: `SystemError`, where an address is in use for example; the new ones are closed then.
    static func listeners(_ addresses: [SocketAddress], besides present: [Listener]) throws -> [Listener] {
        var opened: [Listener] = []
        do {
            return try addresses.map { address in
                if let listener = present.first(where: { $0.address == address }) { return listener }
                var listener = Listener(address: address, descriptor: try .listening(on: address))
                if case .unix(let path) = address { listener.path = OwnedPath(path) }
                opened.append(listener)
                return listener
            }
        } catch {
            for listener in opened { listener.path?.remove() }
            throw error
        }
    }

    /// The addresses that are listened on.
    package var addresses: [String] { current.listeners.map(\.description) }

    /// Takes the sockets out of the file system, if they are still this server's.
    package func removeSockets() {
        for path in socketPaths + current.listeners.compactMap(\.path) { path.remove() }
    }
}
