// SPDX-License-Identifier: MIT

import HTTP
import Protocols

/// Streams of messages: each message is a request of its own, and all of their answers are one.
extension EventLoop {
    /// Takes bytes of a stream.
    func takeMessages(_ bytes: [UInt8], _ exchange: Exchange, _ connection: Connection, _ http2: HTTP2Connection) {
        let total = (exchange.messages?.bufferedByteCount ?? 0) + bytes.count
        if isOverBudget(adding: bytes.count, to: total, connection) {
            http2.session.consume(bytes.count, of: exchange.stream)
            let refusal = ErrorResponse.overloaded("the server holds too many unfinished requests", queue)
            return endMessages(connection, exchange, refusal)
        }
        exchange.messages?.append(bytes)
        http2.bodyBytes += bytes.count
        advance(exchange, connection, http2)
    }

    /// Goes on with the streams whose client has taken answers.
    func advanceMessages(_ connection: Connection, _ http2: HTTP2Connection) {
        for exchange in http2.exchanges.values where exchange.messages != nil { advance(exchange, connection, http2) }
    }

    /// Takes up messages, one after the other, until one is being worked on, or there is none, or the client is to take answers first.
    func advance(_ exchange: Exchange, _ connection: Connection, _ http2: HTTP2Connection) {
        while !exchange.isWaiting, http2.exchanges[exchange.stream] === exchange,
            http2.session.unsentByteCount(of: exchange.stream) <= limits.maxUnsentBytes,
            let stream = exchange.messages?.stream
        {
            let before = exchange.messages?.bufferedByteCount ?? 0
            let next = exchange.messages?.next()
            http2.bodyBytes -= before - (exchange.messages?.bufferedByteCount ?? 0)
            switch next {
            case .message(let message):
                exchange.since = now
                carryOut(stream.handle(message), connection, exchange, bodyBytes: message.count)
            case .tooLarge:
                endMessages(connection, exchange, ErrorResponse.tooLarge(stream.maxMessageBytes))
            case .wait(let isInsideMessage):
                guard exchange.hasEnded else {
                    return http2.session.consume(exchange.messages?.takeHeldBytes() ?? 0, of: exchange.stream)
                }
                if !isInsideMessage, stream.farewell != nil { return }
                if isInsideMessage {
                    endMessages(connection, exchange, ErrorResponse.make(.badRequest, "the last message breaks off"))
                } else {
                    endMessages(connection, exchange, stream.response)
                }
            case nil: return
            }
        }
    }

    /// Appends a message's answer to the stream; one that tells of an error ends it.
    func answerMessage(_ connection: Connection, _ exchange: Exchange, _ response: Response) {
        guard let http2 = connection.http2, let messages = exchange.messages else { return }
        let answer = rendered(response, exchange)
        if !answer.trailers.isEmpty { return endMessages(connection, exchange, answer) }
        guard hasRoom(for: answer, to: connection) else {
            let refusal = ErrorResponse.overloaded("the server holds too many answers that are not read", queue)
            return endMessages(connection, exchange, refusal)
        }
        exchange.since = now
        beginAnswer(connection, exchange, http2)
        exchange.messages?.answeredBytes = messages.answeredBytes + answer.body.count
        http2.session.append(answer.body, to: exchange.stream)
    }

    /// Sends the stream's headers, once.
    private func beginAnswer(_ connection: Connection, _ exchange: Exchange, _ http2: HTTP2Connection) {
        guard let messages = exchange.messages, !messages.hasAnswered else { return }
        exchange.messages?.hasAnswered = true
        let (response, _) = complete(messages.stream.response, exchange, to: connection)
        http2.session.respond(exchange.stream, response, isOpen: true, date: date)
    }

    /// Ends a stream of messages with the trailers of a response.
    func endMessages(_ connection: Connection, _ exchange: Exchange, _ response: Response) {
        guard let http2 = connection.http2, let messages = exchange.messages else { return }
        guard messages.hasAnswered else { return respond(connection, exchange, response) }
        let last = rendered(response, exchange)
        forget(exchange, http2)
        if !exchange.hasEnded { http2.lingering[exchange.stream] = .init(since: now, last: now) }
        http2.session.finish(exchange.stream, trailers: last.trailers)
        record(connection, exchange, id: exchange.id, last, byteCount: messages.answeredBytes)
    }

    /// Looks after the streams that wait for a message: whether somebody is still there, and that none outlasts the server.
    func tickMessages(_ connection: Connection, _ http2: HTTP2Connection) {
        let waiting = http2.exchanges.values.filter { $0.messages != nil && !$0.isWaiting }
        if !waiting.isEmpty, now > http2.askedAt + Self.askingInterval {
            http2.askedAt = now
            http2.session.ping()
        }
        guard isDraining else { return }
        for exchange in waiting {
            if let farewell = exchange.messages?.stream.farewell {
                let last = farewell()
                beginAnswer(connection, exchange, http2)
                http2.session.append(last.body, to: exchange.stream)
                endMessages(connection, exchange, last)
            } else if http2.refusesStreams {
                endMessages(connection, exchange, ErrorResponse.make(.serviceUnavailable, "the server is ending"))
            }
        }
    }

    /// How often the client of a stream that is silent is asked for a sign of life.
    private static let askingInterval: UInt64 = 60_000_000_000
}
