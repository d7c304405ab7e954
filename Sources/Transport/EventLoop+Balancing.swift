// SPDX-License-Identifier: MIT

import HTTP2
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
/// to the one that has the fewest. The way of a request is as short as it was. A connection of HTTP/2 is given away when it
/// begins, or never.
///
/// Clients that open a connection for each request are gone before that. So a worker that is at work gives a new connection at
/// once to one that has less to do, where what it waits for else takes longer than the way through the supervisor.
extension EventLoop {
    /// A connection stays where it is for so long at first: those that carry one request end before.
    private static let settlingTime: UInt64 = 200_000_000
    /// The most connections that are given away in one tick.
    private static let maxGivenAtOnce = 64
    /// How long what has been given away may be on its way, and not yet be counted where it went.
    private static let adoptionTime: UInt64 = 2_000_000
    /// What giving a new connection away must save its request; the way through the supervisor takes some tenths of that.
    private static let leastSavedNanoseconds = 1_000_000.0

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
        guard surplus > 0, connection.http2 == nil, connection.isIdle, !connection.peer.isForMetrics,
            !connection.hasPeerFinished,
            !connection.isHeldBack,
            now > connection.openedAt + Self.settlingTime
        else { return }
        if handOver(connection) { surplus -= 1 }
    }

    private func handOver(_ connection: Connection) -> Bool {
        let handed = HandedConnection(
            socket: connection.socket, isLocal: connection.peer.isLocal, requestCount: connection.requestCount)
        guard giveAway?(handed) == true else { return false }
        statistics.add(1, to: .handedOver)
        close(connection)
        return true
    }

    /// Whether nothing has been read of a connection that the kernel gave to this worker, so that another may have it.
    func isNew(_ connection: Connection) -> Bool {
        giveAway != nil && connection.opening?.isEmpty == true && connection.requestCount == 0
            && !connection.isAdopted && !connection.peer.isForMetrics && !connection.hasPeerFinished && !isDraining
    }

    /// Gives a new connection away, if its request would be answered sooner elsewhere.
    ///
    /// - Returns: Whether it was given away.
    func giveAwayIfBusy(_ connection: Connection) -> Bool {
        guard inHand >= runners.count else { return false }
        if now > givenAt + Self.adoptionTime { givenLately = 0 }
        let fleet = statistics.fleet
        let others = fleet.servingSlots.filter { $0 != statistics.slot && fleet.value(.isServing, slot: $0) == 1 }
        guard let least = others.map({ Int(clamping: fleet.value(.inHand, slot: $0)) }).min() else { return false }
        let saved = Double(inHand - least - givenLately) * queue.meanNanosecondsOfJob / Double(max(runners.count, 1))
        guard saved > Self.leastSavedNanoseconds, handOver(connection) else { return false }
        givenLately += 1
        givenAt = now
        return true
    }

    /// Gives a new connection away whose client speaks HTTP/2, if this worker has more than its share. Later it can't: the
    /// tables of compressed headers, and the requests on other streams, are here. So nothing is read before, only looked at.
    ///
    /// - Returns: Whether it was given away.
    func giveAwayIfHTTP2(_ connection: Connection) -> Bool {
        let preface = HTTP2Session.preface
        let first = UnsafeMutableRawBufferPointer(rebasing: receiveBuffer[..<preface.count])
        guard let count = try? connection.socket.receive(into: first, isPeeking: true), count == preface.count,
            first.elementsEqual(preface)
        else { return false }
        let serving = statistics.fleet.servingWorkers(.connections)
        guard serving.count > 1 else { return false }
        let mean = Double(serving.reduce(0, +)) / Double(serving.count)
        return Double(connections.count) - mean >= 1 && handOver(connection)
    }

    /// Takes over a connection that another worker gave away.
    package func adopt(_ handed: HandedConnection) {
        let peer = Peer(address: handed.socket.peerAddress, isLocal: handed.isLocal)
        guard let connection = add(handed.socket, peer) else { return }
        connection.requestCount = handed.requestCount
        connection.isAdopted = true
        if handed.requestCount > 0 { connection.opening = nil }
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
