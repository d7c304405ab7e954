// SPDX-License-Identifier: MIT

import HTTP
import SystemCalls

/// One client's connection: what has come, what is being done, what must still go out. Belongs to the event loop.
final class Connection {
    /// What the connection is doing. Requests of one connection are answered one after the other.
    enum Phase: Equatable {
        /// Between requests, or reading one.
        case receiving
        /// A request is in the queue or being worked on. Nothing is read meanwhile.
        case waiting
        /// The last answer is on its way out.
        case closing
        /// All is sent; what the client still sends is read and dropped until it has seen the answer.
        case lingering
    }

    /// The request that is being read or answered.
    struct Exchange {
        let head: RequestHead
        let route: RouteLabel
        let id: String
        let startedAt: UInt64
        /// An answer that is sent when the body has been read.
        var refusal: Response?
        var queueNanoseconds: UInt64 = 0
        var workNanoseconds: UInt64 = 0
    }

    let socket: FileDescriptor
    /// Its name in epoll and in tickets; never used twice.
    let token: UInt64
    var parser: RequestParser
    var phase = Phase.receiving
    var exchange: Exchange?
    var interest: Job.Interest?
    var requestCount: UInt64 = 0
    var output: [UInt8] = []
    var sent = 0
    /// The interest that epoll knows.
    var watched: Epoll.Interest = [.readable, .peerFinished]
    var hasPeerFinished = false
    /// When the present phase, or the present part of the request, began.
    var since: UInt64
    /// When the client last took bytes.
    var lastSent: UInt64
    /// Bytes of the request's body so far, as counted in the loop's total.
    var accountedBytes = 0

    init(_ socket: FileDescriptor, token: UInt64, limits: HTTPLimits, now: UInt64) {
        self.socket = socket
        self.token = token
        parser = RequestParser(limits: limits)
        since = now
        lastSent = now
    }

    /// Whether nothing is lost if it is closed now.
    var isIdle: Bool { phase == .receiving && exchange == nil && !parser.isInsideRequest && output.isEmpty }

    /// Whether a request is being read whose end has not come, so that the slowest can make room for others.
    var isReading: Bool { phase == .receiving && output.isEmpty }

    /// The ticket of the present request.
    var ticket: Ticket { Ticket(connection: token, request: requestCount) }

    /// Why the connection's time is up.
    enum Lateness: Equatable {
        case idle, headers, body, reading, answer, linger
    }

    /// Which limit of time the connection has passed, if any.
    func lateness(now: UInt64, limits: TransportLimits) -> Lateness? {
        let elapsed = now > since ? now - since : 0
        if output.count > sent, now > lastSent, now - lastSent > limits.writeStall.nanoseconds { return .reading }
        switch phase {
        case .receiving:
            if exchange != nil {
                let bytes = UInt64(parser.bufferedByteCount)
                let isSlow = bytes < (elapsed / 1_000_000_000) * UInt64(limits.minBodyBytesPerSecond)
                return elapsed > limits.bodyGrace.nanoseconds && isSlow ? .body : nil
            }
            if parser.isInsideRequest || requestCount == 0 {
                return elapsed > limits.headerTime.nanoseconds ? .headers : nil
            }
            return elapsed > limits.keepAlive.nanoseconds ? .idle : nil
        case .waiting: return elapsed > limits.answerTime.nanoseconds ? .answer : nil
        case .closing: return nil
        case .lingering: return elapsed > limits.linger.nanoseconds ? .linger : nil
        }
    }
}
