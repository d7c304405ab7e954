// SPDX-License-Identifier: MIT

import HTTP
import SystemCalls

/// Answers on their way to clients, and in the log.
extension EventLoop {
    /// Puts an answer behind what is still to be sent, and forgets its request.
    ///
    /// - Parameter stream: The stream of HTTP/2 that it goes to, where it has no request.
    func respond(_ connection: Connection, _ exchange: Exchange?, _ response: Response, stream: Int32? = nil) {
        let (response, id) = complete(response, exchange, to: connection)
        if connection.unsentByteCount == 0 { connection.beginSending(now: now) }
        let isHead = exchange?.head.method == "HEAD"
        if let http2 = connection.http2 {
            if let exchange { forget(exchange, http2) }
            let stream = exchange?.stream ?? stream ?? 0
            if exchange?.hasEnded != true { http2.lingering[stream] = .init(since: now, last: now) }
            http2.session.respond(stream, response, isHead: isHead, date: date)
        } else {
            connection.exchange = nil
            let keepsAlive =
                !response.closesConnection && exchange?.head.keepsAlive ?? false && !isDraining
                && connection.requestCount < UInt64(limits.maxRequestsPerConnection)
            response.encode(
                into: &connection.output, isHead: isHead, keepsAlive: keepsAlive,
                version: exchange?.head.version ?? .http11, date: date)
            connection.phase = keepsAlive ? .receiving : .closing
            connection.since = now
        }
        record(connection, exchange, id: id, response, byteCount: response.body.count)
    }

    /// Gives an answer the form of its request's protocol and the fields that every answer has.
    ///
    /// - Returns: It, and the name of the request.
    func complete(_ response: Response, _ exchange: Exchange?, to connection: Connection) -> (Response, id: String) {
        var response = rendered(response, exchange)
        if !hasRoom(for: response, to: connection) {
            let refusal = ErrorResponse.overloaded("the server holds too many answers that are not read", queue)
            response = rendered(refusal, exchange)
        }
        let id = exchange?.id ?? requestIDs.next()
        response.add("X-Request-Id", id)
        response.add("Server-Timing", serverTiming(exchange))
        if let trace = exchange?.trace { response.add("traceparent", trace.text) }
        for header in exchange.map({ handler.headers(for: $0.head) }) ?? [] { response.add(header.name, header.value) }
        return (response, id)
    }

    /// Gives what this room answers by itself the form of the request's protocol.
    func rendered(_ response: Response, _ exchange: Exchange?) -> Response {
        guard let exchange, exchange.route.isGRPC, response.grpcStatus == nil else { return response }
        return handler.rendered(response, for: exchange.head)
    }

    /// Whether an answer may be held until its client reads it. Those who have kept theirs waiting for the longest make room.
    func hasRoom(for response: Response, to connection: Connection) -> Bool {
        let count = response.body.count
        guard count > limits.maxUnsentBytes, bufferedBytes + count > limits.maxBufferedBytes else { return true }
        let slowest = connections.values.filter {
            $0 !== connection && $0.unsentByteCount > limits.maxUnsentBytes && $0.lastSent + 1_000_000_000 < now
        }.sorted { $0.lastSent < $1.lastSent }
        for other in slowest where bufferedBytes + count > limits.maxBufferedBytes {
            statistics.add(1, to: .evicted)
            close(other)
        }
        return bufferedBytes + count <= limits.maxBufferedBytes
    }

    /// What an answer says of its time, in milliseconds: that of inference, if there was any, and all since the request began.
    private func serverTiming(_ exchange: Exchange?) -> String {
        let total = "total;dur=\(milliseconds(exchange.map(elapsed) ?? 0))"
        guard let exchange, exchange.workNanoseconds > 0 else { return total }
        return "queue;dur=\(milliseconds(exchange.queueNanoseconds)), "
            + "inference;dur=\(milliseconds(exchange.workNanoseconds)), \(total)"
    }

    private func elapsed(_ exchange: Exchange) -> UInt64 {
        now > exchange.startedAt ? now - exchange.startedAt : 0
    }

    /// Answers and reads no further request: the place of the next one is unknown, or the client is too slow.
    func respondAndClose(_ connection: Connection, _ response: Response) {
        var response = response
        response.closesConnection = true
        respond(connection, connection.exchange, response)
        flush(connection)
    }

    /// Counts and logs a request.
    func record(
        _ connection: Connection, _ exchange: Exchange?, id: String, _ response: Response, byteCount: Int
    ) {
        let elapsed = exchange.map(elapsed) ?? 0
        statistics.record(exchange?.route ?? .other, response, seconds: Double(elapsed) / 1e9)
        log?.write(
            AccessLog.Entry(
                date: date, id: id, client: client(connection, exchange), head: exchange?.head,
                trace: exchange?.trace?.text, status: response.status.code, grpcStatus: response.grpcStatus,
                headers: response.headers + response.trailers, byteCount: byteCount, nanoseconds: elapsed))
    }

    /// Whose request it is, for the log.
    private func client(_ connection: Connection, _ exchange: Exchange?) -> IPAddress? {
        log?.client(of: connection.peer, exchange?.head)
    }

    /// Logs a request whose client left before its answer.
    func recordGone(_ connection: Connection, _ exchange: Exchange) {
        log?.write(
            AccessLog.Entry(
                date: date, id: exchange.id, client: client(connection, exchange), head: exchange.head,
                trace: exchange.trace?.text, status: 499, headers: [], byteCount: 0,
                nanoseconds: elapsed(exchange)))
    }

    // MARK: Sending

    /// Sends what the client takes now. Afterwards the connection waits for what it needs next.
    func flush(_ connection: Connection) {
        guard connections[connection.token] != nil else { return }
        while true {
            if let http2 = connection.http2 { takeFrames(connection, http2) }
            if connection.outputByteCount == 0 { break }
            let sent: Int?
            do {
                sent = try connection.output.withUnsafeBytes { bytes in
                    try connection.socket.send(UnsafeRawBufferPointer(rebasing: bytes[connection.sent...]))
                }
            } catch {
                return close(connection)
            }
            guard let sent else {
                connection.forgetTakenBytes()
                updateHeldBytes(connection)
                // Frames that ask for more frames are not read while those are not taken.
                if connection.http2 != nil {
                    connection.isHeldBack = connection.outputByteCount >= limits.maxUnsentBytes
                }
                return updateWatch(connection)
            }
            connection.took(sent, now: now)
            if connection.outputByteCount == 0 {
                connection.output.removeAll(keepingCapacity: connection.output.capacity <= 256 << 10)
                connection.sent = 0
            }
        }
        updateHeldBytes(connection)
        if let http2 = connection.http2, hasAllSent(connection, http2) { connection.phase = .closing }
        if connection.phase == .closing { return beginLingering(connection) }
        updateWatch(connection)
        if surplus > 0 { giveAwayIfFree(connection) }
    }

    /// Ends the sending side and reads on for a while: closing with unread input would make the kernel reset the
    /// connection, and the client might lose the answer.
    private func beginLingering(_ connection: Connection) {
        connection.socket.shutdownSending()
        connection.phase = .lingering
        connection.since = now
        connection.lingeringSince = now
        connection.parser = RequestParser(limits: limits.http)
        giveUpRequests(connection)
        connection.http2 = nil
        updateHeldBytes(connection)
        updateWatch(connection)
        discardInput(connection)
    }

    /// Reads and drops, up to a limit. While bytes come, the client gets more time: it may send its whole body before it
    /// looks at the answer.
    func discardInput(_ connection: Connection) {
        for _ in 0..<4 {
            guard let count = try? connection.socket.receive(into: receiveBuffer) else {
                return
            }
            connection.discardedBytes += count
            connection.since = now
            if count == 0 || connection.discardedBytes > limits.maxDiscardedBytes { return close(connection) }
        }
    }
}

/// Milliseconds with three decimals.
private func milliseconds(_ nanoseconds: UInt64) -> String {
    let micros = nanoseconds / 1000
    let rest = String(micros % 1000)
    return "\(micros / 1000).\(String(repeating: "0", count: 3 - rest.count))\(rest)"
}
