// SPDX-License-Identifier: MIT

import SystemCalls

/// A socket that the supervisor listens on for its workers.
package struct Listener {
    /// What is answered at it.
    enum Purpose: String {
        case requests, metrics
    }

    /// The address as the settings have it; nil for a socket that came from the service manager.
    let address: SocketAddress?
    let purpose: Purpose
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
    static func listeners(_ configuration: ServerConfiguration, besides present: [Listener]) throws -> [Listener] {
        let wanted =
            configuration.addresses.map { ($0, Listener.Purpose.requests) }
            + configuration.metricsBind.map { ($0, Listener.Purpose.metrics) }
        var opened: [Listener] = []
        do {
            return try wanted.map { address, purpose in
                if let listener = present.first(where: { $0.address == address && $0.purpose == purpose }) {
                    return listener
                }
                var listener = Listener(
                    address: address, purpose: purpose,
                    descriptor: try .listening(on: address, mode: configuration.socketMode.map(UInt32.init)))
                if case .unix(let path) = address { listener.path = OwnedPath(path) }
                opened.append(listener)
                return listener
            }
        } catch {
            for listener in opened { listener.path?.remove() }
            throw error
        }
    }

    /// The addresses that requests come to.
    package var addresses: [String] { current.listeners.filter { $0.purpose == .requests }.map(\.description) }

    /// The addresses where metrics are read, if they have their own.
    package var metricsAddresses: [String] {
        current.listeners.filter { $0.purpose == .metrics }.map(\.description)
    }

    /// Takes the sockets out of the file system, if they are still this server's and nobody shares them.
    package func removeSockets() {
        if sharesSockets { return }
        for path in socketPaths + current.listeners.compactMap(\.path) { path.remove() }
    }
}
