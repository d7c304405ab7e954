// SPDX-License-Identifier: MIT

import HTTP
import HTTP2
import Protocols

/// From bytes to requests to answers.
extension EventLoop {
    /// Pipelined requests taken up at a time: one client must not keep the loop from the others.
    private static let maxRequestsAtOnce = 8

    /// Reads what has come and acts on it.
    func receive(_ connection: Connection) {
        if isNew(connection), giveAwayIfBusy(connection) || giveAwayIfHTTP2(connection) { return }
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
            take(UnsafeRawBufferPointer(rebasing: receiveBuffer[..<count]), connection)
            guard connection.phase == .receiving, !connection.isHeldBack, connections[connection.token] != nil else {
                break
            }
            if count < receiveBuffer.count { break }
        }
        flush(connection)
    }

    /// Takes bytes for what they are: of a session of HTTP/2, of requests of HTTP/1.1, or the beginning of either.
    private func take(_ bytes: UnsafeRawBufferPointer, _ connection: Connection) {
        if let http2 = connection.http2 { return receive(bytes, connection, http2) }
        if let opening = connection.opening {
            let preface = HTTP2Session.preface[opening.count...]
            let count = min(preface.count, bytes.count)
            if bytes.prefix(count).elementsEqual(preface.prefix(count)) {
                connection.opening = opening + bytes.prefix(count)
                if count < preface.count { return }
                connection.opening = nil
                return begin(connection, UnsafeRawBufferPointer(rebasing: bytes[count...]))
            }
            connection.opening = nil
            opening.withUnsafeBytes { connection.parser.append($0) }
        }
        connection.parser.append(bytes)
        advance(connection)
    }

    /// The client sends no more, and all that it sent has been taken up. Its answers are still sent.
    private func finishInput(_ connection: Connection) {
        if let http2 = connection.http2, http2.session.streamCount > 0 {
            connection.phase = .waiting
            return flush(connection)
        }
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
    func updateHeldBytes(_ connection: Connection) {
        let bytes = connection.heldByteCount
        bufferedBytes += bytes - connection.accountedBytes
        connection.accountedBytes = bytes
    }

    /// Counts what has come of a request, and refuses the one that exceeds the total.
    private func account(_ connection: Connection) {
        updateHeldBytes(connection)
        guard connection.phase == .receiving, !connection.isHeldBack else { return }
        if bufferedBytes > limits.maxBufferedBytes, connection.parser.bufferedByteCount > Exchange.maxDiscardedBodyBytes
        {
            respondAndClose(
                connection, ErrorResponse.overloaded("the server holds too many unfinished requests", queue))
        }
    }

    /// A request whose head has come, and what is to be done with it.
    func makeExchange(_ connection: Connection, _ head: RequestHead, number: UInt64) -> Exchange {
        var (route, admission) = handler.admit(head, from: connection.peer)
        if case .admitted(let limit, _, _) = admission, case .length(let length) = head.framing, length > limit {
            admission = .refused(ErrorResponse.tooLarge(limit))
        }
        requestCount += 1
        return Exchange(
            number: number, head: head, route: route, admission: admission, id: requestIDs.id(for: head),
            trace: TraceContext(head.headers), now: now)
    }

    private func begin(_ connection: Connection, _ head: RequestHead) {
        connection.requestCount += 1
        connection.since = now
        let exchange = makeExchange(connection, head, number: connection.requestCount)
        connection.exchange = exchange
        if case .refused(let refusal) = exchange.admission {
            if !exchange.hasSmallBody || head.expectsContinue && head.framing != .length(0) {
                respondAndClose(connection, refusal)
            }
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
        if let http2 = connection.http2 {
            http2.session.ping()
        } else if let exchange = connection.exchange, exchange.head.version != .http10 {
            sendInterim(connection)
        }
        flush(connection)
    }

    private func handle(_ connection: Connection, _ body: [UInt8]) {
        if let exchange = connection.exchange { handle(connection, exchange, body) }
    }

    /// Does what a whole request asks for.
    func handle(_ connection: Connection, _ exchange: Exchange, _ body: [UInt8]) {
        let limit: Int
        let handle: @Sendable (Request) -> Handling
        switch exchange.admission {
        case .refused(let response): return respond(connection, exchange, response)
        case .messages:
            let refusal = ErrorResponse.make(.notImplemented, "streams of messages want HTTP/2")
            return respond(connection, exchange, refusal)
        case .admitted(let maxBodyBytes, _, let answer): (limit, handle) = (maxBodyBytes, answer)
        }
        if body.count > limit { return respond(connection, exchange, ErrorResponse.tooLarge(limit)) }
        carryOut(handle(Request(head: exchange.head, body: body)), connection, exchange, bodyBytes: body.count)
    }

    /// Does what is to be done for a request, or for one message of a stream.
    func carryOut(_ handling: Handling, _ connection: Connection, _ exchange: Exchange, bodyBytes: Int) {
        switch handling {
        case .answer(let response): answer(connection, exchange, response)
        case .work(let work):
            let interest = WorkInterest()
            let job = job(work, connection.ticket(exchange), interest, bytes: bodyBytes)
            setWorkBytes(bodyBytes, connection, exchange)
            updateHeldBytes(connection)
            guard bufferedBytes <= limits.maxBufferedBytes, queue.submit(job) else {
                setWorkBytes(0, connection, exchange)
                statistics.add(1, to: .refusedFull)
                let refusal = ErrorResponse.overloaded("the server is busy: its queue is full", queue)
                return answer(connection, exchange, refusal)
            }
            hasQueued = true
            beginWaiting(connection, exchange)
            exchange.interest = interest
        case .command(let command): begin(command, connection, exchange)
        }
    }

    private func setWorkBytes(_ count: Int, _ connection: Connection, _ exchange: Exchange) {
        connection.workBytes += count - exchange.workBytes
        exchange.workBytes = count
    }

    private func beginWaiting(_ connection: Connection, _ exchange: Exchange) {
        exchange.isWaiting = true
        inHand += 1
        takenOn += 1
        exchange.since = now
        guard connection.http2 == nil else { return }
        connection.phase = .waiting
        connection.since = now
    }

    /// Marks the job of a request as unwanted.
    func abandon(_ connection: Connection, _ exchange: Exchange) {
        exchange.interest?.end()
        endWaiting(connection, exchange)
    }

    private func endWaiting(_ connection: Connection, _ exchange: Exchange) {
        exchange.interest = nil
        if exchange.isWaiting { inHand -= 1 }
        exchange.isWaiting = false
        setWorkBytes(0, connection, exchange)
    }

    /// The job that does a request's work.
    private func job(_ work: @escaping RequestWork, _ ticket: Ticket, _ interest: WorkInterest, bytes: Int) -> Job {
        let queue = queue
        return Job(
            interest: interest, queuedAt: now, deadline: now + limits.queueTime.nanoseconds, byteCount: bytes,
            work: { runner in
                let step: RequestStep
                do {
                    step = try work(runner)
                } catch {
                    step = .answer(ErrorResponse.response(for: error))
                }
                return Job.Step(step.catching(ErrorResponse.response)) { response in
                    { loop, times in loop.complete(ticket, response, times) }
                }
            },
            late: {
                let response = ErrorResponse.overloaded("the request waited longer than its deadline", queue)
                return { loop, times in loop.complete(ticket, response, times) }
            })
    }

    // MARK: Commands

    private func begin(_ command: FleetCommand, _ connection: Connection, _ exchange: Exchange) {
        guard let sendCommand else {
            let refusal = ErrorResponse.make(.notImplemented, "this server has no supervisor to do that")
            return answer(connection, exchange, refusal)
        }
        commandCount += 1
        commands[commandCount] = connection.ticket(exchange)
        beginWaiting(connection, exchange)
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
        guard let connection = connections[ticket.connection],
            let exchange = connection.waitingExchange(ticket.request)
        else { return }
        endWaiting(connection, exchange)
        exchange.queueNanoseconds = times.queued
        exchange.workNanoseconds = times.worked
        if let http2 = connection.http2 {
            answer(connection, exchange, response)
            advance(exchange, connection, http2)
            return flushLater(connection, http2)
        }
        connection.phase = .receiving
        respond(connection, exchange, response)
        // What the client sent meanwhile lies in the parser.
        if connection.phase == .receiving { advance(connection) }
        flush(connection)
    }

    /// Gives a request its answer, or a stream of messages its next one.
    private func answer(_ connection: Connection, _ exchange: Exchange, _ response: Response) {
        if exchange.messages == nil {
            respond(connection, exchange, response)
        } else {
            answerMessage(connection, exchange, response)
        }
    }
}

extension Exchange {
    /// Bodies up to this size are read even if the request is refused, so that the connection can stay.
    static let maxDiscardedBodyBytes = 64 << 10

    /// Whether the body has few bytes, as far as the head tells.
    var hasSmallBody: Bool {
        if case .length(let length) = head.framing { return length <= Self.maxDiscardedBodyBytes }
        return false
    }
}
