// SPDX-License-Identifier: MIT

import HTTP
import HTTP2
import Protocols

/// Connections of HTTP/2: from streams to requests, and from answers to frames.
extension EventLoop {
    /// How many frames that bring nothing a client may send in each tick, beyond what it earns.
    private static let framesPerTick = 20
    /// From the notice that the connection ends to the refusal of requests: those that were on their way come meanwhile.
    private static let noticeTime: UInt64 = 1_000_000_000

    /// Begins a session on a connection whose client has sent the preface.
    func begin(_ connection: Connection, _ rest: UnsafeRawBufferPointer) {
        let http2 = HTTP2Connection(limits: limits.http)
        connection.http2 = http2
        http2.askedAt = now
        connection.since = now
        if isDraining { announceEnd(connection, http2) }
        receive(rest, connection, http2)
    }

    /// Takes frames.
    func receive(_ bytes: UnsafeRawBufferPointer, _ connection: Connection, _ http2: HTTP2Connection) {
        react(to: http2.session.receive(bytes), connection, http2)
        if http2.session.isInsideHead {
            http2.headSince = http2.headSince ?? now
        } else {
            http2.headSince = nil
        }
        updateHeldBytes(connection)
    }

    /// Puts frames into the connection's output, as many as may wait there.
    func takeFrames(_ connection: Connection, _ http2: HTTP2Connection) {
        http2.isDirty = false
        let limit = connection.sent + limits.maxUnsentBytes
        guard connection.output.count < limit else { return }
        if connection.outputByteCount == 0 { connection.beginSending(now: now) }
        if !http2.exchanges.isEmpty { advanceMessages(connection, http2) }
        react(to: http2.session.takeOutput(into: &connection.output, upTo: limit), connection, http2)
    }

    /// Whether nothing is left to be done on a connection that ends.
    func hasAllSent(_ connection: Connection, _ http2: HTTP2Connection) -> Bool {
        http2.session.isOver || connection.phase == .waiting && http2.session.streamCount == 0
    }

    /// Leaves the sending to the end of the round.
    func flushLater(_ connection: Connection, _ http2: HTTP2Connection) {
        if !http2.isDirty { unflushed.append(connection) }
        http2.isDirty = true
    }

    /// Sends the answers of this round.
    func flushAll() {
        while !unflushed.isEmpty {
            let connections = unflushed
            unflushed = []
            for connection in connections where connection.http2?.isDirty == true { flush(connection) }
        }
    }

    // MARK: Requests

    private func react(to events: [HTTP2Event], _ connection: Connection, _ http2: HTTP2Connection) {
        for event in events {
            switch event {
            case .head(let stream, .success(let head)): begin(stream, head, connection, http2)
            case .head(let stream, .failure(let error)):
                countRequest(connection, http2)
                respond(connection, nil, ErrorResponse.response(for: error), stream: stream)
            case .data(let stream, let bytes):
                if let exchange = http2.exchanges[stream] {
                    take(bytes, exchange, connection, http2)
                } else {
                    drop(bytes.count, of: stream, http2)
                }
            case .end(let stream):
                http2.lingering[stream] = nil
                if let exchange = http2.exchanges[stream] { finishBody(exchange, connection, http2) }
            case .closed(let stream):
                http2.lingering[stream] = nil
                if let exchange = http2.exchanges[stream] {
                    // The client has given it up.
                    if exchange.isWaiting || exchange.messages != nil { recordGone(connection, exchange) }
                    abandon(connection, exchange)
                    forget(exchange, http2)
                }
                if http2.isIdle { connection.since = now }
            }
        }
    }

    /// Drops bytes of a body whose request is answered.
    private func drop(_ count: Int, of stream: Int32, _ http2: HTTP2Connection) {
        guard var lingering = http2.lingering[stream] else { return http2.session.discard(count) }
        lingering.last = now
        lingering.byteCount += count
        http2.lingering[stream] = lingering
        http2.session.consume(count, of: stream)
    }

    private func countRequest(_ connection: Connection, _ http2: HTTP2Connection) {
        connection.requestCount += 1
        if connection.requestCount >= UInt64(limits.maxRequestsPerHTTP2Connection) { announceEnd(connection, http2) }
    }

    private func begin(_ stream: Int32, _ head: RequestHead, _ connection: Connection, _ http2: HTTP2Connection) {
        countRequest(connection, http2)
        let exchange = makeExchange(connection, head, number: UInt64(stream))
        http2.exchanges[stream] = exchange
        if case .refused(let refusal) = exchange.admission {
            // A small body is read, so that no client has to learn its answer from a stream that breaks off.
            if !exchange.hasSmallBody || head.expectsContinue { respond(connection, exchange, refusal) }
        } else if head.expectsContinue {
            http2.session.sendContinue(stream)
        }
    }

    private func take(_ bytes: [UInt8], _ exchange: Exchange, _ connection: Connection, _ http2: HTTP2Connection) {
        exchange.receivedBytes += bytes.count
        if exchange.messages != nil {
            return takeMessages(bytes, exchange, connection, http2)
        }
        guard case .admitted(let limit, _, _) = exchange.admission else {
            return http2.session.consume(bytes.count, of: exchange.stream)
        }
        let total = exchange.body.count + bytes.count
        let isTooMuch = total > limit
        if isTooMuch || isOverBudget(adding: bytes.count, to: total, connection) {
            http2.session.consume(bytes.count, of: exchange.stream)
            let refusal =
                isTooMuch
                ? ErrorResponse.tooLarge(limit)
                : ErrorResponse.overloaded("the server holds too many unfinished requests", queue)
            return respond(connection, exchange, refusal)
        }
        if case .length(let length) = exchange.head.framing, total >= length / 8, exchange.body.capacity < length {
            // What grows by doubling leaves as much again behind.
            exchange.body.reserveCapacity(length)
        }
        exchange.body += bytes
        http2.bodyBytes += bytes.count
        // Only now may the client send as much again.
        http2.session.consume(bytes.count, of: exchange.stream)
    }

    /// Whether a body has become too much for what all clients together, or one connection, may have under way.
    func isOverBudget(adding count: Int, to total: Int, _ connection: Connection) -> Bool {
        guard total > Exchange.maxDiscardedBodyBytes else { return false }
        let isTooMuchForOne = connection.heldByteCount + count > limits.maxBufferedBytes / 4
        return isTooMuchForOne || bufferedBytes + count > limits.maxBufferedBytes
    }

    private func finishBody(_ exchange: Exchange, _ connection: Connection, _ http2: HTTP2Connection) {
        exchange.hasEnded = true
        guard exchange.messages == nil else { return advance(exchange, connection, http2) }
        let body = exchange.body
        http2.bodyBytes -= body.count
        exchange.body = []
        handle(connection, exchange, body)
    }

    /// Takes an exchange off its connection: it is answered, or nobody waits for it.
    func forget(_ exchange: Exchange, _ http2: HTTP2Connection) {
        guard http2.exchanges.removeValue(forKey: exchange.stream) != nil else { return }
        http2.bodyBytes -= exchange.body.count + (exchange.messages?.bufferedByteCount ?? 0)
        exchange.body = []
    }

    // MARK: Clocks

    /// Looks after the clocks of the connection's streams.
    func tick(_ connection: Connection, _ http2: HTTP2Connection) {
        guard connections[connection.token] != nil, connection.phase != .lingering else { return }
        http2.session.earnFrames(Self.framesPerTick)
        for exchange in http2.exchanges.values {
            guard let lateness = exchange.lateness(now: now, limits: limits) else { continue }
            abandon(connection, exchange)
            switch lateness {
            case .body:
                respond(connection, exchange, ErrorResponse.make(.requestTimeout, "the request's body came too slowly"))
            case .message:
                endMessages(connection, exchange, ErrorResponse.make(.requestTimeout, "no message came for too long"))
            case .answer:
                let refusal = ErrorResponse.make(.gatewayTimeout, "the answer took too long")
                exchange.messages == nil
                    ? respond(connection, exchange, refusal) : endMessages(connection, exchange, refusal)
            }
        }
        for (stream, lingering) in http2.lingering where lingering.isOver(now: now, limits: limits) {
            http2.lingering[stream] = nil
            http2.session.endAfterAnswer(stream)
        }
        for stream in http2.tooSlowReaders(now: now, limits: limits) {
            if stream == 0 { return close(connection) }
            http2.session.cancel(stream)
        }
        if let since = http2.endAnnouncedAt, now > since + Self.noticeTime, !http2.refusesStreams {
            http2.refusesStreams = true
            http2.session.refuseFurtherStreams()
        }
        if !http2.exchanges.isEmpty { tickMessages(connection, http2) }
        flush(connection)
    }

    /// Tells a client that the connection will end.
    func announceEnd(_ connection: Connection, _ http2: HTTP2Connection) {
        guard http2.endAnnouncedAt == nil else { return }
        http2.endAnnouncedAt = now
        http2.session.announceEnd()
        flushLater(connection, http2)
    }

    /// Ends a connection that carries no request: one that is on its way will be known not to have been taken up.
    func endWhenIdle(_ connection: Connection, _ http2: HTTP2Connection) {
        guard !http2.refusesStreams else { return close(connection) }
        http2.refusesStreams = true
        http2.session.refuseFurtherStreams()
        flush(connection)
    }
}
