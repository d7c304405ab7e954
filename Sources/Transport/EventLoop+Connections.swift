// SPDX-License-Identifier: MIT

import HTTP
import SystemCalls

/// Taking connections up and giving them up.
extension EventLoop {
    /// Accepts what waits at a listening socket.
    ///
    /// - Parameter limit: The most connections now, so that other workers get their share.
    func acceptConnections(_ listener: FileDescriptor, limit: Int) {
        for _ in 0..<limit {
            do {
                guard let socket = try listener.accept() else { return }
                let peer = Peer(
                    address: socket.peerAddress, isLocal: localListeners.contains(listener.rawValue),
                    isForMetrics: metricsListeners.contains(listener.rawValue))
                if mayCome(peer) { add(socket, peer) } else { refuse(socket) }
            } catch {
                // Without a free descriptor, the next attempt has that of the oldest connection.
                if !makeRoom() { return refuseForWantOfDescriptors(listener) }
            }
        }
    }

    @discardableResult
    func add(_ socket: FileDescriptor, _ peer: Peer) -> Connection? {
        if connections.count >= limits.maxConnections { makeRoom() }
        guard connections.count < limits.maxConnections else { return nil }
        socket.disableDelay()
        socket.setUnacknowledgedLimit(milliseconds: Int32(clamping: limits.writeStall.nanoseconds / 1_000_000))
        socket.setUnsentLimit(byteCount: Int32(clamping: limits.maxUnsentBytes))
        let connection = Connection(socket, peer: peer, token: nextToken, limits: limits.http, now: now)
        nextToken += 1
        guard (try? epoll.add(socket, token: connection.token, connection.watched)) != nil else { return nil }
        connections[connection.token] = connection
        count(peer, by: 1)
        statistics.add(1, to: .accepted)
        statistics.set(.connections, to: connections.count)
        return connection
    }

    // MARK: Addresses

    /// Whether a client's address has connections left.
    private func mayCome(_ peer: Peer) -> Bool {
        guard limits.maxConnectionsPerAddress > 0, let address = peer.address else { return true }
        return connectionsOfAddress[address.network64, default: 0] < limits.maxConnectionsPerAddress
    }

    private func count(_ peer: Peer, by step: Int) {
        guard limits.maxConnectionsPerAddress > 0, let address = peer.address?.network64 else { return }
        let number = connectionsOfAddress[address, default: 0] + step
        connectionsOfAddress[address] = number > 0 ? number : nil
    }

    /// Tells a client that it has too many connections, and closes this one. It is told once and not waited for.
    private func refuse(_ socket: FileDescriptor) {
        statistics.add(1, to: .refusedConnections)
        var response = ErrorResponse.make(.tooManyRequests, "this address has too many connections")
        response.add("Retry-After", "1")
        var bytes: [UInt8] = []
        response.encode(into: &bytes, isHead: false, keepsAlive: false, version: .http11, date: date)
        _ = bytes.withUnsafeBytes { try? socket.send($0) }
        socket.shutdownSending()
    }

    /// Closes the connection that has been idling or sending its request for the longest.
    ///
    /// - Returns: false if there is none.
    @discardableResult
    private func makeRoom() -> Bool {
        let oldest = connections.values.filter { $0.isReading || $0.phase == .lingering }.min { $0.since < $1.since }
        guard let oldest else { return false }
        statistics.add(1, to: .evicted)
        close(oldest)
        return true
    }

    /// Without a free descriptor the waiting connection can't be accepted, and epoll would report it for ever. So it is
    /// accepted with the one in reserve, and closed.
    private func refuseForWantOfDescriptors(_ listener: FileDescriptor) {
        reserve = nil
        _ = try? listener.accept()
        reserve = try? FileDescriptor.open("/dev/null", 0)
    }

    /// Forgets a connection; its descriptor is closed with it.
    func close(_ connection: Connection) {
        guard connections.removeValue(forKey: connection.token) != nil else { return }
        giveUpRequests(connection)
        bufferedBytes -= connection.accountedBytes
        count(connection.peer, by: -1)
        statistics.set(.connections, to: connections.count)
        try? epoll.remove(connection.socket)
    }

    /// Gives up the requests of a connection that ends.
    func giveUpRequests(_ connection: Connection) {
        for exchange in connection.http2.map({ Array($0.exchanges.values) }) ?? [connection.exchange].compactMap({ $0 })
        {
            if exchange.isWaiting || exchange.messages != nil { recordGone(connection, exchange) }
            abandon(connection, exchange)
        }
        connection.exchange = nil
        connection.http2?.exchanges = [:]
        connection.http2?.bodyBytes = 0
    }

    // MARK: Draining

    /// The most connections taken from each socket before it closes, twice as many as the kernel queues: under a flood
    /// there would be no end.
    private static let maxAcceptedAtEnd = 2048

    /// Takes what has been accepted by the kernel, stops listening, and lets each connection end with its next answer.
    func beginDraining() {
        guard !isDraining else { return }
        isDraining = true
        statistics.set(.isServing, to: 0)
        drainingSince = now
        for listener in listeners {
            acceptConnections(listener, limit: Self.maxAcceptedAtEnd)
            try? epoll.remove(listener)
        }
        listeners = []
        for connection in connections.values {
            if let http2 = connection.http2 { announceEnd(connection, http2) }
        }
    }

    /// While draining, a connection without a request is given a second to send one: the client may not know yet.
    func closeIdleConnections() {
        for connection in connections.values where connection.isIdle && connection.http2 == nil {
            let idleSince = max(connection.since, drainingSince)
            if now > idleSince, now - idleSince > 1_000_000_000 { close(connection) }
        }
    }

    // MARK: Watching

    /// Tells epoll what the connection waits for now.
    ///
    /// - Parameter hasRead: Whether there is something to read that the connection does not want. Until then epoll may go on
    ///   looking for it: few clients send before they are answered, and to stop it and begin anew are two system calls for each
    ///   request.
    func updateWatch(_ connection: Connection, hasRead: Bool = false) {
        guard connections[connection.token] != nil else { return }
        // An empty literal would be made of an array, for each request.
        let nothing = Epoll.Interest(rawValue: 0)
        var wanted = connection.outputByteCount > 0 ? .writable : nothing
        // Once known, the end of input would only be told again and again.
        let end = connection.hasPeerFinished ? nothing : .peerFinished
        switch connection.phase {
        case .receiving: wanted.formUnion((connection.isHeldBack ? Epoll.Interest.writable : .readable).union(end))
        case .lingering: wanted.formUnion(.readable)
        case .waiting:
            wanted.formUnion(end)
            if !hasRead, !connection.hasPeerFinished { wanted.formUnion(connection.watched.intersection(.readable)) }
        case .closing: break
        }
        guard wanted != connection.watched else { return }
        connection.watched = wanted
        if (try? epoll.modify(connection.socket, token: connection.token, wanted)) == nil { close(connection) }
    }
}
