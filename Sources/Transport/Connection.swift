// SPDX-License-Identifier: MIT

import HTTP
import HTTP2
import SystemCalls

/// One client's connection: what has come, what is being done, what must still go out. Belongs to the event loop.
final class Connection {
    /// What the connection is doing. Requests of a connection of HTTP/1.1 are answered one after the other.
    enum Phase: Equatable {
        /// Between requests, or reading one.
        case receiving
        /// A request is in the queue or being worked on. Nothing is read meanwhile. One of HTTP/2 is so only when its client
        /// sends no more.
        case waiting
        /// The last answer is on its way out.
        case closing
        /// All is sent; what the client still sends is read and dropped until it has seen the answer.
        case lingering
    }

    let socket: FileDescriptor
    let peer: Peer
    /// Its name in epoll and in tickets; never used twice.
    let token: UInt64
    /// The first bytes, while they may still become the preface of HTTP/2; nil when it is known what they are.
    var opening: [UInt8]? = []
    var parser: RequestParser
    var phase = Phase.receiving
    /// The request of HTTP/1.1 that is being read or answered.
    var exchange: Exchange?
    /// The session and its requests, if the client speaks HTTP/2.
    var http2: HTTP2Connection?
    var requestCount: UInt64 = 0
    /// How many bytes were read and dropped after the last answer, and since when.
    var discardedBytes = 0
    var lingeringSince: UInt64 = 0
    var output: [UInt8] = []
    var sent = 0
    /// The interest that epoll knows.
    var watched: Epoll.Interest = [.readable, .peerFinished]
    /// Whether the client has closed its side. It may be gone, or still read its answers.
    var hasPeerFinished = false
    /// Whether something was sent since, to find out.
    var hasBeenAsked = false
    /// Whether requests wait in the parser because the client does not take its answers, or asks too many at once.
    var isHeldBack = false
    /// When the present phase, or the present part of the request, began.
    var since: UInt64
    /// When the client last took bytes, when it began to take what is being sent, and how much it has taken since.
    var lastSent: UInt64
    private var sendingSince: UInt64
    private var takenBytes = 0
    /// The bodies that are being worked on.
    var workBytes = 0
    /// Whether another worker gave it away.
    var isAdopted = false
    /// When it was opened here.
    let openedAt: UInt64
    /// What the connection holds, as counted in the loop's total.
    var accountedBytes = 0

    init(_ socket: FileDescriptor, peer: Peer, token: UInt64, limits: HTTPLimits, now: UInt64) {
        self.socket = socket
        self.peer = peer
        self.token = token
        parser = RequestParser(limits: limits)
        since = now
        openedAt = now
        lastSent = now
        sendingSince = now
    }

    /// Bytes that are ready to be sent.
    var outputByteCount: Int { output.count - sent }

    /// Bytes of answers that the client has not taken.
    var unsentByteCount: Int { outputByteCount + (http2?.session.unsentByteCount ?? 0) }

    /// Bytes that the connection holds: what came, what is being worked on, what must go out.
    var heldByteCount: Int {
        parser.bufferedByteCount + workBytes + output.count
            + (http2.map { $0.bodyBytes + $0.session.unsentByteCount } ?? 0)
    }

    /// Gives back the memory of answers that the client has taken, if that is much.
    func forgetTakenBytes() {
        guard sent > 256 << 10, sent > output.count / 2 else { return }
        output = Array(output[sent...])
        sent = 0
    }

    /// Notes that answers begin to go out.
    func beginSending(now: UInt64) {
        lastSent = now
        sendingSince = now
        takenBytes = 0
    }

    /// Notes that the client has taken bytes.
    func took(_ count: Int, now: UInt64) {
        sent += count
        takenBytes += count
        lastSent = now
    }

    /// Whether bytes of a request that is not complete have come.
    private var isInsideHead: Bool { parser.isInsideRequest || opening?.isEmpty == false }

    /// Whether nothing is lost if it is closed now.
    var isIdle: Bool {
        phase == .receiving && exchange == nil && !isInsideHead && output.isEmpty && http2?.isIdle ?? true
    }

    /// Whether a request is being read whose end has not come, or none, so that the slowest can make room for others.
    var isReading: Bool {
        guard phase == .receiving, output.isEmpty else { return false }
        guard let http2 else { return true }
        return http2.session.unsentByteCount == 0 && !http2.exchanges.values.contains { $0.isWaiting }
    }

    /// The request with a number, if its answer is waited for.
    func waitingExchange(_ number: UInt64) -> Exchange? {
        let exchange = http2.map { $0.exchanges[Int32(truncatingIfNeeded: number)] } ?? exchange
        guard let exchange, exchange.number == number, exchange.isWaiting else { return nil }
        return exchange
    }

    /// The ticket of a request.
    func ticket(_ exchange: Exchange) -> Ticket { Ticket(connection: token, request: exchange.number) }

    /// Why the connection's time is up.
    enum Lateness: Equatable {
        case idle, headers, body, reading, answer, linger
    }

    /// Which limit of time the connection has passed, if any.
    func lateness(now: UInt64, limits: TransportLimits) -> Lateness? {
        let elapsed = now > since ? now - since : 0
        if outputByteCount > 0 || isHeldBack, isReadingTooSlowly(now: now, limits: limits) { return .reading }
        if let http2, phase == .receiving || phase == .waiting {
            if let since = http2.headSince, now > since, now - since > limits.headerTime.nanoseconds { return .headers }
            return http2.isIdle && elapsed > limits.keepAlive.nanoseconds ? .idle : nil
        }
        switch phase {
        case .receiving:
            if exchange != nil {
                return limits.isTooSlow(bytes: parser.bufferedByteCount, elapsed: elapsed) ? .body : nil
            }
            if isHeldBack { return nil }
            if isInsideHead || requestCount == 0 {
                return elapsed > limits.headerTime.nanoseconds ? .headers : nil
            }
            return elapsed > limits.keepAlive.nanoseconds ? .idle : nil
        case .waiting: return elapsed > (exchange?.answerTime(limits) ?? limits.answerTime.nanoseconds) ? .answer : nil
        case .closing: return nil
        case .lingering:
            let sinceAnswer = now > lingeringSince ? now - lingeringSince : 0
            let isOver = elapsed > limits.linger.nanoseconds || sinceAnswer > limits.lingerInAll.nanoseconds
            return isOver ? .linger : nil
        }
    }

    /// Whether the client takes its answers as if it wanted to keep the server busy.
    private func isReadingTooSlowly(now: UInt64, limits: TransportLimits) -> Bool {
        if now > lastSent, now - lastSent > limits.writeStall.nanoseconds { return true }
        return limits.isTooSlow(bytes: takenBytes, elapsed: now > sendingSince ? now - sendingSince : 0)
    }
}
