// SPDX-License-Identifier: MIT

import HTTP
import Protocols

/// A request that is being read or answered. A connection of HTTP/1.1 has one at a time, one of HTTP/2 one on each stream.
final class Exchange {
    /// Its number in its connection; over HTTP/2 that of its stream.
    let number: UInt64
    let head: RequestHead
    let route: RouteLabel
    /// What is done with the request when its body has been read.
    let admission: Admission
    let id: String
    let trace: TraceContext?
    let startedAt: UInt64
    /// When the present part of it began: its body, or the wait for its answer.
    var since: UInt64
    var queueNanoseconds: UInt64 = 0
    var workNanoseconds: UInt64 = 0
    /// Whether it is in the queue, is worked on, or is with the supervisor.
    var isWaiting = false
    /// What tells an inference thread that nobody waits any more.
    var interest: WorkInterest?
    /// The size of the body that is being worked on.
    var workBytes = 0
    /// What has come of the body, over HTTP/2.
    var body: [UInt8] = []
    /// How many bytes of it have come in all, and whether that is all.
    var receivedBytes = 0
    var hasEnded = false
    /// The messages, where the request is a stream of them.
    var messages: MessageReader?

    init(
        number: UInt64, head: RequestHead, route: RouteLabel, admission: Admission, id: String, trace: TraceContext?,
        now: UInt64
    ) {
        self.number = number
        self.head = head
        self.route = route
        self.admission = admission
        self.id = id
        self.trace = trace
        startedAt = now
        since = now
        if case .messages(let stream) = admission { messages = MessageReader(stream) }
    }

    /// Its stream, over HTTP/2.
    var stream: Int32 { Int32(truncatingIfNeeded: number) }

    /// How long the request may take from its end to its answer, in nanoseconds.
    func answerTime(_ limits: TransportLimits) -> UInt64 {
        guard case .admitted(_, let timeout?, _) = admission else { return limits.answerTime.nanoseconds }
        return min(timeout, limits.answerTime.nanoseconds)
    }

    /// Why a stream's time is up: its body comes too slowly, its next message does not come, its answer does not.
    enum Lateness: Equatable {
        case body, message, answer
    }

    /// Which limit of time the request has passed, if any, over HTTP/2.
    func lateness(now: UInt64, limits: TransportLimits) -> Lateness? {
        let elapsed = now > since ? now - since : 0
        if isWaiting { return elapsed > answerTime(limits) ? .answer : nil }
        // Whoever does not take answers gets no more of them; that has a limit of its own.
        if let messages, messages.stream.farewell != nil { return nil }
        if messages != nil { return elapsed > limits.messageTime.nanoseconds ? .message : nil }
        return !hasEnded && limits.isTooSlow(bytes: receivedBytes, elapsed: elapsed) ? .body : nil
    }
}

/// Finds the messages in the body of a stream of messages.
struct MessageReader {
    /// The frame before a message: a byte of flags and four of length, the highest first.
    private static let prefixBytes = 5

    let stream: MessageStream
    private var input: [UInt8] = []
    private var position = 0
    /// Bytes that the client may not send again before they are taken up.
    private(set) var heldByteCount = 0
    /// Whether the answer has begun, and how many bytes it has had.
    var hasAnswered = false
    var answeredBytes = 0

    init(_ stream: MessageStream) { self.stream = stream }

    /// What there is to do next.
    enum Next: Equatable {
        case message([UInt8])
        case tooLarge
        /// Nothing before more bytes have come; whether some of a message have.
        case wait(isInsideMessage: Bool)
    }

    mutating func append(_ bytes: [UInt8]) {
        if position > input.count / 2 {
            input.removeSubrange(..<position)
            position = 0
        }
        input += bytes
        heldByteCount += bytes.count
    }

    /// The bytes that the client may send again, when all that came has been looked at.
    mutating func takeHeldBytes() -> Int {
        defer { heldByteCount = 0 }
        return heldByteCount
    }

    /// How many bytes wait.
    var bufferedByteCount: Int { input.count - position }

    mutating func next() -> Next {
        guard bufferedByteCount >= Self.prefixBytes else { return .wait(isInsideMessage: bufferedByteCount > 0) }
        let length = input[(position + 1)..<(position + Self.prefixBytes)].reduce(0) { $0 << 8 | Int($1) }
        if length > stream.maxMessageBytes { return .tooLarge }
        let end = position + Self.prefixBytes + length
        guard input.count >= end else { return .wait(isInsideMessage: true) }
        defer { position = end }
        return .message(Array(input[position..<end]))
    }
}
