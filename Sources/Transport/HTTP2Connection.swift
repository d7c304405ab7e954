// SPDX-License-Identifier: MIT

import HTTP
import HTTP2

/// What a connection of HTTP/2 has besides its socket: the session, and the exchange of each stream.
final class HTTP2Connection {
    let session: HTTP2Session
    /// The requests whose answers have not begun, and the streams of messages that have not ended.
    var exchanges: [Int32: Exchange] = [:]
    /// Bytes of bodies that have come and are not being worked on.
    var bodyBytes = 0
    /// Streams that are answered though their clients still send. What comes is dropped for a while: a client that is cut off may
    /// never look at its answer.
    var lingering: [Int32: Lingering] = [:]
    /// Since when a head has been coming whose end has not.
    var headSince: UInt64?
    /// When the client was told that the connection ends, and whether requests are refused since.
    var endAnnouncedAt: UInt64?
    var refusesStreams = false
    /// When the client was last asked for a sign of life.
    var askedAt: UInt64 = 0
    /// Whether answers lie in the session that nobody has tried to send.
    var isDirty = false
    /// Answers whose client lets none of their bytes through, by stream; 0 is the whole connection.
    private var blocked: [Int32: Blocked] = [:]

    private struct Blocked {
        /// How much had not been taken when it was first seen so, and when that was.
        let unsentAtFirst: Int
        let since: UInt64
        /// The same at the last change.
        var unsent: Int
        var changedAt: UInt64
    }

    /// What was dropped on a stream, and since when.
    struct Lingering {
        let since: UInt64
        var last: UInt64
        var byteCount = 0

        func isOver(now: UInt64, limits: TransportLimits) -> Bool {
            now > last + limits.linger.nanoseconds || now > since + limits.lingerInAll.nanoseconds
                || byteCount > limits.maxDiscardedBytes
        }
    }

    init(limits: HTTPLimits) { session = HTTP2Session(http: limits) }

    /// Whether nothing is being read, worked on or sent.
    var isIdle: Bool { exchanges.isEmpty && session.streamCount == 0 }

    /// Looks at the streams whose answers wait for the client to open its window.
    ///
    /// - Returns: Those that have waited for too long, or get on too slowly.
    func tooSlowReaders(now: UInt64, limits: TransportLimits) -> [Int32] {
        let present = session.blockedStreams
        if present.isEmpty {
            blocked = [:]
            return []
        }
        var still: [Int32: Blocked] = [:]
        var late: [Int32] = []
        for (stream, unsent) in present {
            var entry =
                blocked[stream] ?? Blocked(unsentAtFirst: unsent, since: now, unsent: unsent, changedAt: now)
            if unsent != entry.unsent { (entry.unsent, entry.changedAt) = (unsent, now) }
            still[stream] = entry
            let isStalled = now > entry.changedAt + limits.writeStall.nanoseconds
            // A stream of messages may have got more answers meanwhile.
            let taken = max(entry.unsentAtFirst - unsent, 0)
            if isStalled || limits.isTooSlow(bytes: taken, elapsed: max(now, entry.since) - entry.since) {
                late.append(stream)
            }
        }
        blocked = still
        return late
    }
}
