// SPDX-License-Identifier: MIT

import HTTP
import Protocols
import SystemCalls

/// From bytes to requests to answers.
extension EventLoop {
    /// Bodies up to this size are read even if the request is refused, so that the connection can stay.
    private static let maxDiscardedBodyBytes = 64 << 10
    /// Pipelined requests taken up at a time: one client must not keep the loop from the others.
    private static let maxRequestsAtOnce = 8

    /// Reads what has come and acts on it.
    func receive(_ connection: Connection) {
        // A few reads at a time: one client must not keep the loop from the others.
        for _ in 0..<8 {
            let count: Int?
            do {
                count = try connection.socket.receive(into: receiveBuffer)
            } catch {
                return close(connection)
            }
            guard let count else { break }
            if count == 0 { return finishInput(connection) }
            if connection.isIdle { connection.since = now }
            connection.parser.append(UnsafeRawBufferPointer(rebasing: receiveBuffer[..<count]))
            advance(connection)
            guard connection.phase == .receiving, !connection.isHeldBack, connections[connection.token] != nil else {
                break
            }
            if count < receiveBuffer.count { break }
        }
        flush(connection)
    }

    /// The client sends no more, and all that it sent has been taken up. Its answers are still sent.
    private func finishInput(_ connection: Connection) {
        if connection.unsentByteCount > 0 {
            connection.phase = .closing
            flush(connection)
        } else {
            close(connection)
        }
    }

    /// Takes events from the parser until it needs more bytes, an answer is being worked on, or the client is to take
    /// answers first.
    func advance(_ connection: Connection) {
        if connection.isHeldBack {
            connection.isHeldBack = false
            connection.since = now
        }
        var count = 0
        do {
            while connection.phase == .receiving, !connection.isHeldBack, let event = try connection.parser.next() {
                switch event {
                case .head(let head): begin(connection, head)
                case .body(let body):
                    handle(connection, body)
                    count += 1
                    connection.isHeldBack =
                        count == Self.maxRequestsAtOnce || connection.unsentByteCount > limits.maxUnsentBytes
                }
            }
            account(connection)
        } catch {
            respondAndClose(connection, ErrorResponse.response(for: error))
        }
    }

    /// Keeps the total of bytes held.
    private func updateHeldBytes(_ connection: Connection) {
        let bytes = connection.heldByteCount
        bufferedBytes += bytes - connection.accountedBytes
        connection.accountedBytes = bytes
    }

    /// Counts what has come of a request, and refuses the one that exceeds the total.
    private func account(_ connection: Connection) {
        updateHeldBytes(connection)
        guard connection.phase == .receiving, !connection.isHeldBack else { return }
        if bufferedBytes > limits.maxBufferedBytes, connection.parser.bufferedByteCount > Self.maxDiscardedBodyBytes {
            respondAndClose(
                connection, ErrorResponse.overloaded("the server holds too many unfinished requests", queue))
        }
    }

    private func begin(_ connection: Connection, _ head: RequestHead) {
        var (route, admission) = handler.admit(head, from: connection.peer)
        if case .admitted(let limit, _, _) = admission, case .length(let length) = head.framing, length > limit {
            admission = .refused(ErrorResponse.tooLarge(limit))
        }
        connection.requestCount += 1
        requestCount += 1
        connection.since = now
        connection.exchange = Connection.Exchange(
            head: head, route: route, admission: admission, id: requestIDs.id(for: head),
            trace: TraceContext(head.headers), startedAt: now)
        if case .refused(let refusal) = admission {
            let isSmall = head.framing != .chunked && head.framing <= Self.maxDiscardedBodyBytes
            if !isSmall || head.expectsContinue && head.framing != .length(0) { respondAndClose(connection, refusal) }
        } else if head.expectsContinue, connection.parser.bufferedByteCount == 0, head.framing != .length(0) {
            sendInterim(connection)
        }
    }

    /// Puts "100 Continue" before the answer that is to come.
    private func sendInterim(_ connection: Connection) {
        if connection.unsentByteCount == 0 { connection.beginSending(now: now) }
        connection.output.append(contentsOf: Response.continueBytes)
    }

    /// The client has closed its side while it waits. It may still read, or be gone: from here both look the same until
    /// something is sent, at which a connection that is closed on both sides breaks. An interim answer does that without
    /// harm, and every client of HTTP/1.1 must bear one (RFC 9110, section 15.2).
    func askWhetherClientIsThere(_ connection: Connection) {
        guard !connection.hasBeenAsked else { return }
        connection.hasBeenAsked = true
        if connection.exchange?.head.minorVersion ?? 0 >= 1 { sendInterim(connection) }
        flush(connection)
    }

    private func handle(_ connection: Connection, _ body: [UInt8]) {
        guard let exchange = connection.exchange else { return }
        let limit: Int
        let handle: @Sendable (Request) -> Handling
        switch exchange.admission {
        case .refused(let response): return respond(connection, response)
        case .messages:
            return respond(connection, ErrorResponse.make(.notImplemented, "streams of messages want HTTP/2"))
        case .admitted(let maxBodyBytes, _, let answer): (limit, handle) = (maxBodyBytes, answer)
        }
        if body.count > limit { return respond(connection, ErrorResponse.tooLarge(limit)) }
        switch handle(Request(head: exchange.head, body: body)) {
        case .answer(let response): respond(connection, response)
        case .work(let work):
            let interest = WorkInterest()
            let job = job(work, connection.ticket, interest)
            connection.workBytes = body.count
            updateHeldBytes(connection)
            guard bufferedBytes <= limits.maxBufferedBytes, queue.submit(job) else {
                connection.workBytes = 0
                statistics.add(1, to: .refusedFull)
                return respond(connection, ErrorResponse.overloaded("the server is busy: its queue is full", queue))
            }
            connection.phase = .waiting
            connection.since = now
            connection.interest = interest
        case .command(let command): begin(command, connection)
        }
    }

    /// The job that does a request's work.
    private func job(_ work: @escaping RequestWork, _ ticket: Ticket, _ interest: WorkInterest) -> Job {
        let queue = queue
        return Job(
            interest: interest, queuedAt: now, deadline: now + limits.queueTime.nanoseconds,
            work: { runner in
                let response: Response
                do {
                    response = try work(runner)
                } catch {
                    response = ErrorResponse.response(for: error)
                }
                return { loop, times in loop.complete(ticket, response, times) }
            },
            late: {
                let response = ErrorResponse.overloaded("the request waited longer than its deadline", queue)
                return { loop, times in loop.complete(ticket, response, times) }
            })
    }

    // MARK: Commands

    private func begin(_ command: FleetCommand, _ connection: Connection) {
        guard let sendCommand else {
            return respond(connection, ErrorResponse.make(.notImplemented, "this server has no supervisor to do that"))
        }
        commandCount += 1
        commands[commandCount] = connection.ticket
        connection.phase = .waiting
        connection.since = now
        sendCommand(commandCount, command)
    }

    /// Answers the client whose command the supervisor has carried out.
    ///
    /// - Parameter problem: Why it could not; empty if it could.
    package func finishCommand(_ number: Int, problem: String) {
        guard let ticket = commands.removeValue(forKey: number) else { return }
        let response = problem.isEmpty ? Response(.ok) : ErrorResponse.make(.badRequest, problem)
        complete(ticket, response, JobTimes())
    }

    /// Answers the client whose command came while another was being carried out.
    package func postponeCommand(_ number: Int) {
        guard let ticket = commands.removeValue(forKey: number) else { return }
        var response = ErrorResponse.make(.serviceUnavailable, "the models are being changed already; try again")
        response.add("Retry-After", "1")
        complete(ticket, response, JobTimes())
    }

    // MARK: Completions

    /// Takes a finished job to its connection, if that still waits for it.
    func complete(_ ticket: Ticket, _ response: Response, _ times: JobTimes) {
        statistics.add(times.queued, to: .queueNanoseconds)
        statistics.add(times.worked, to: .workNanoseconds)
        guard let connection = connections[ticket.connection], connection.phase == .waiting,
            connection.ticket == ticket
        else { return }
        connection.interest = nil
        connection.workBytes = 0
        connection.exchange?.queueNanoseconds = times.queued
        connection.exchange?.workNanoseconds = times.worked
        connection.phase = .receiving
        respond(connection, response)
        // What the client sent meanwhile lies in the parser.
        if connection.phase == .receiving { advance(connection) }
        flush(connection)
    }

    // MARK: Answers

    /// Puts an answer behind what is still to be sent.
    func respond(_ connection: Connection, _ response: Response) {
        let exchange = connection.exchange
        connection.exchange = nil
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
        let keepsAlive =
            !response.closesConnection && exchange?.head.keepsAlive ?? false && !isDraining
            && connection.requestCount < UInt64(limits.maxRequestsPerConnection)
        if connection.unsentByteCount == 0 { connection.beginSending(now: now) }
        response.encode(
            into: &connection.output, isHead: exchange?.head.method == "HEAD", keepsAlive: keepsAlive,
            minorVersion: exchange?.head.minorVersion ?? 1, date: date)
        connection.phase = keepsAlive ? .receiving : .closing
        connection.since = now
        record(connection, exchange, id: id, response)
    }

    /// Gives what this room answers by itself the form of the request's protocol.
    private func rendered(_ response: Response, _ exchange: Connection.Exchange?) -> Response {
        guard let exchange, exchange.route.isGRPC, response.grpcStatus == nil else { return response }
        return handler.rendered(response, for: exchange.head)
    }

    /// Whether an answer may be held until its client reads it. Those who have kept theirs waiting for the longest make room.
    private func hasRoom(for response: Response, to connection: Connection) -> Bool {
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
    private func serverTiming(_ exchange: Connection.Exchange?) -> String {
        let total = "total;dur=\(milliseconds(exchange.map(elapsed) ?? 0))"
        guard let exchange, exchange.workNanoseconds > 0 else { return total }
        return "queue;dur=\(milliseconds(exchange.queueNanoseconds)), "
            + "inference;dur=\(milliseconds(exchange.workNanoseconds)), \(total)"
    }

    private func elapsed(_ exchange: Connection.Exchange) -> UInt64 {
        now > exchange.startedAt ? now - exchange.startedAt : 0
    }

    /// Answers and reads no further request: the place of the next one is unknown, or the client is too slow.
    func respondAndClose(_ connection: Connection, _ response: Response) {
        var response = response
        response.closesConnection = true
        respond(connection, response)
        flush(connection)
    }

    /// Counts and logs a request.
    private func record(
        _ connection: Connection, _ exchange: Connection.Exchange?, id: String, _ response: Response
    ) {
        let elapsed = exchange.map(elapsed) ?? 0
        statistics.record(exchange?.route ?? .other, response, seconds: Double(elapsed) / 1e9)
        log?.write(
            AccessLog.Entry(
                date: date, id: id, client: client(connection, exchange), head: exchange?.head,
                trace: exchange?.trace?.text, status: response.status.code, grpcStatus: response.grpcStatus,
                headers: response.headers + response.trailers, byteCount: response.body.count, nanoseconds: elapsed))
    }

    /// Whose request it is, for the log.
    private func client(_ connection: Connection, _ exchange: Connection.Exchange?) -> IPAddress? {
        log?.client(of: connection.peer, exchange?.head)
    }

    /// Logs a request whose client left before its answer.
    func recordGone(_ connection: Connection) {
        guard let exchange = connection.exchange else { return }
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
        while connection.sent < connection.output.count {
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
                return updateWatch(connection)
            }
            connection.took(sent, now: now)
        }
        connection.output.removeAll(keepingCapacity: connection.output.capacity <= 64 << 10)
        connection.sent = 0
        updateHeldBytes(connection)
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

extension RequestHead.Framing {
    /// Whether the body has at most so many bytes, as far as the head tells.
    fileprivate static func <= (framing: RequestHead.Framing, limit: Int) -> Bool {
        if case .length(let length) = framing { return length <= limit }
        return false
    }
}
