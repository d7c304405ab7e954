// SPDX-License-Identifier: MIT

import SystemCalls

/// A connection on its way from one worker to another, between two requests.
package struct HandedConnection {
    package let socket: FileDescriptor
    /// Whether it came to an address that only this machine reaches.
    package let isLocal: Bool
    /// How many requests it has carried.
    package let requestCount: UInt64

    package init(socket: FileDescriptor, isLocal: Bool, requestCount: UInt64) {
        self.socket = socket
        self.isLocal = isLocal
        self.requestCount = requestCount
    }
}

/// How the workers of a fleet share the connections.
///
/// The kernel wakes one worker for a new connection, and mostly the same one: connections that are opened one after the other
/// would all be its. So a worker that has more than its share gives some away between two requests, through the supervisor,
/// to the one that has the fewest. The way of a request is as short as it was.
extension EventLoop {
    /// A connection stays where it is for so long at first: those that carry one request end before.
    private static let settlingTime: UInt64 = 200_000_000
    /// The most connections that are given away in one tick.
    private static let maxGivenAtOnce = 64

    /// Gives away what is above the fleet's mean. What is busy follows when its answer has been sent.
    func balance() {
        surplus = 0
        guard giveAway != nil, !isDraining else { return }
        let serving = statistics.fleet.servingWorkers(.connections)
        guard serving.count > 1 else { return }
        let mean = Double(serving.reduce(0, +)) / Double(serving.count)
        guard Double(connections.count) - mean >= 1 else { return }
        surplus = min(connections.count - Int(mean.rounded(.up)), Self.maxGivenAtOnce)
        for connection in connections.values where surplus > 0 { giveAwayIfFree(connection) }
    }

    /// Gives the connection away, if it is between two requests and this worker has too many.
    func giveAwayIfFree(_ connection: Connection) {
        guard surplus > 0, connection.isIdle, !connection.peer.isForMetrics, !connection.hasPeerFinished,
            !connection.isHeldBack,
            now > connection.openedAt + Self.settlingTime
        else { return }
        let handed = HandedConnection(
            socket: connection.socket, isLocal: connection.peer.isLocal, requestCount: connection.requestCount)
        guard giveAway?(handed) == true else { return }
        surplus -= 1
        statistics.add(1, to: .handedOver)
        close(connection)
    }

    /// Takes over a connection that another worker gave away.
    package func adopt(_ handed: HandedConnection) {
        let peer = Peer(address: handed.socket.peerAddress, isLocal: handed.isLocal)
        add(handed.socket, peer)?.requestCount = handed.requestCount
    }

    // MARK: Pausing

    /// A worker that has no room leaves new connections to those that have, if there are any.
    func pauseOrResumeAccepting() {
        let isFull = queue.isFull || connections.count >= limits.maxConnections
        statistics.set(.isServing, to: isDraining ? 0 : isFull ? 2 : 1)
        let othersHaveRoom = statistics.fleet.servingWorkers(.isServing).contains(1)
        if isFull, othersHaveRoom, !isDraining {
            pauseAccepting()
        } else {
            resumeAccepting()
        }
    }

    private func pauseAccepting() {
        guard !isPaused else { return }
        isPaused = true
        for listener in listeners { try? epoll.remove(listener) }
    }

    private func resumeAccepting() {
        guard isPaused else { return }
        isPaused = false
        for (index, listener) in listeners.enumerated() {
            try? epoll.add(listener, token: 1 + UInt64(index), [.readable, .exclusive])
        }
    }
}
