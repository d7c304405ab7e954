// SPDX-License-Identifier: MIT

import HTTP

/// How long and how much the transport bears.
package struct TransportLimits: Equatable, Sendable {
    /// The limits of one request.
    package var http = HTTPLimits()
    /// From a request's first byte, or the connection's start, to the end of its headers.
    package var headerTime = Duration.seconds(10)
    /// How long a body may come, or an answer go, before its rate is looked at.
    package var rateGrace = Duration.seconds(5)
    /// The slowest it may come or go after that.
    package var minBytesPerSecond = 1024
    /// How long a connection may idle between requests.
    package var keepAlive = Duration.seconds(15)
    /// How long a client may read nothing of its answer.
    package var writeStall = Duration.seconds(10)
    /// How long a connection that is being closed waits for more of what the client still sends, so that the client gets to
    /// see the answer; how long in all; and how many bytes it drops.
    package var linger = Duration.seconds(1)
    package var lingerInAll = Duration.seconds(10)
    package var maxDiscardedBytes = 256 << 20
    /// From a request's end to the time by which it must have left the queue.
    package var queueTime = Duration.seconds(10)
    /// From a request's end to its answer.
    package var answerTime = Duration.seconds(30)
    /// How long a stream of messages may bring none.
    package var messageTime = Duration.seconds(300)
    /// After so long without work, the memory that only work needs goes back to the kernel.
    package var quietTime = Duration.seconds(10)
    /// Requests on one connection; and on one of HTTP/2, which many share.
    package var maxRequestsPerConnection = 10_000
    package var maxRequestsPerHTTP2Connection = 1_000_000
    /// Connections at a time; above it the one that idles the longest goes.
    package var maxConnections = 2048
    /// Connections of one client address at a time; 0 for no limit.
    package var maxConnectionsPerAddress = 0
    /// Bytes of unfinished requests and of answers not taken, of all connections together; above it, 503.
    package var maxBufferedBytes = 256 << 20
    /// While a client has not taken so many bytes of its answers, its next request waits. The kernel keeps as many again.
    package var maxUnsentBytes = 64 << 10
    /// Requests that may wait for an inference thread.
    package var queueCapacity = 128

    package init() {}

    /// Whether bytes come or go so slowly that someone means to keep the connection busy.
    func isTooSlow(bytes: Int, elapsed: UInt64) -> Bool {
        elapsed > rateGrace.nanoseconds && UInt64(bytes) < elapsed / 1_000_000_000 * UInt64(minBytesPerSecond)
    }
}

extension Duration {
    /// Nanoseconds; 0 for a negative duration.
    var nanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        return UInt64(max(seconds, 0)) &* 1_000_000_000 &+ UInt64(max(attoseconds, 0) / 1_000_000_000)
    }
}
