// SPDX-License-Identifier: MIT

import CNghttp2
import SystemCalls

/// A connection of HTTP/2 on which a test sends exactly the frames that it wants, and sees those that come.
package final class HTTP2Client {
    /// A frame as it came.
    package struct Frame: Equatable {
        package let type: UInt8
        package let flags: UInt8
        package let stream: UInt32
        package let payload: [UInt8]

        /// The error code of a frame that ends a stream or the connection.
        package var code: UInt32? {
            switch type {
            case HTTP2Client.reset: number(0)
            case HTTP2Client.goAway: number(4)
            default: nil
            }
        }

        private func number(_ start: Int) -> UInt32? {
            payload.count >= start + 4 ? payload[start..<(start + 4)].reduce(0) { $0 << 8 | UInt32($1) } : nil
        }
    }

    /// What came on a stream before it ended.
    package struct Answer: Equatable {
        /// The last header block's fields before the body, and those after it.
        package var headers: [String: String] = [:]
        package var trailers: [String: String] = [:]
        package var body: [UInt8] = []
        /// With which code the stream was given up, if it was.
        package var reset: UInt32?

        package var status: Int? { headers[":status"].flatMap { Int($0) } }
        package var text: String { String(decoding: body, as: UTF8.self) }
    }

    package static let data: UInt8 = 0
    package static let headers: UInt8 = 1
    package static let priority: UInt8 = 2
    package static let reset: UInt8 = 3
    package static let settings: UInt8 = 4
    package static let ping: UInt8 = 6
    package static let goAway: UInt8 = 7
    package static let windowUpdate: UInt8 = 8
    package static let continuation: UInt8 = 9
    package static let endStream: UInt8 = 1
    package static let endHeaders: UInt8 = 4

    private let socket: FileDescriptor
    private var inflater: OpaquePointer?
    private var buffer: [UInt8] = []
    private var answers: [UInt32: Answer] = [:]
    private var ended: Set<UInt32> = []
    /// The code of the frame that ended the connection, if one came, and the last stream that it names.
    package private(set) var goAwayCode: UInt32?
    package private(set) var goAwayStream: UInt32?
    /// How much may be sent: on the connection, on a new stream, and on those that have begun.
    private var connectionWindow = 65_535
    private var initialWindow = 65_535
    private var windows: [UInt32: Int] = [:]
    /// Whether windows are opened as bodies come.
    package var opensWindows = true

    /// Connects, and sends the preface and settings.
    package init(_ address: SocketAddress, settings: [(id: UInt16, value: UInt32)] = []) throws {
        socket = try .connected(to: address)
        try socket.setTimeout(milliseconds: 10_000)
        nghttp2_hd_inflate_new(&inflater)
        let payload = settings.flatMap { id, value in [UInt8(id >> 8), UInt8(id & 255)] + Self.bytes(value) }
        try send(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + Self.frame(Self.settings, payload: payload))
    }

    deinit { nghttp2_hd_inflate_del(inflater) }

    // MARK: Sending

    /// Four bytes, the highest first.
    package static func bytes(_ number: UInt32) -> [UInt8] {
        [UInt8(number >> 24), UInt8(number >> 16 & 255), UInt8(number >> 8 & 255), UInt8(number & 255)]
    }

    package static func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, payload: [UInt8] = []) -> [UInt8] {
        Array(bytes(UInt32(payload.count)).dropFirst()) + [type, flags] + bytes(stream) + payload
    }

    /// Fields as literals that no table keeps.
    package static func block(_ fields: [(name: String, value: String)]) -> [UInt8] {
        func text(_ text: String) -> [UInt8] {
            let count = text.utf8.count
            if count < 127 { return [UInt8(count)] + Array(text.utf8) }
            var rest = count - 127
            var length: [UInt8] = [127]
            while rest >= 128 {
                length.append(UInt8(rest % 128) | 128)
                rest /= 128
            }
            return length + [UInt8(rest)] + Array(text.utf8)
        }
        return fields.flatMap { [0] + text($0.name) + text($0.value) }
    }

    /// The fields that every request has.
    package static func fields(_ method: String, _ path: String) -> [(name: String, value: String)] {
        [(":method", method), (":path", path), (":scheme", "http"), (":authority", "a")]
    }

    package func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let count = try rest.withUnsafeBytes({ try socket.send($0) }) else {
                throw RawClient.Failure.timedOut("send")
            }
            rest = rest.dropFirst(count)
        }
    }

    /// Sends a request's head, and its body if it has one, as the server's windows allow; up to its answer, if that comes first.
    package func request(
        _ stream: UInt32, _ method: String, _ path: String, headers: [(name: String, value: String)] = [],
        body: [UInt8] = [], ends: Bool = true
    ) throws {
        let flags = Self.endHeaders | (body.isEmpty && ends ? Self.endStream : 0)
        try send(
            Self.frame(
                Self.headers, flags: flags, stream: stream, payload: Self.block(Self.fields(method, path) + headers)))
        windows[stream] = initialWindow
        var rest = body[...]
        while !rest.isEmpty, !ended.contains(stream) {
            let count = min(rest.count, 16_384, connectionWindow, windows[stream] ?? 0)
            guard count > 0 else {
                guard try next() != nil else { return }
                continue
            }
            connectionWindow -= count
            windows[stream]? -= count
            let part = Array(rest.prefix(count))
            rest = rest.dropFirst(count)
            let flags = rest.isEmpty && ends ? Self.endStream : 0
            try send(Self.frame(Self.data, flags: flags, stream: stream, payload: part))
        }
    }

    /// Sends no more.
    package func finish() { socket.shutdownSending() }

    // MARK: Receiving

    /// The next frame; nil when the server has closed the connection.
    package func next() throws -> Frame? {
        while true {
            if buffer.count >= 9 {
                let length = buffer[..<3].reduce(0) { $0 << 8 | Int($1) }
                if buffer.count >= 9 + length {
                    let stream = buffer[5..<9].reduce(UInt32(0)) { $0 << 8 | UInt32($1) } & 0x7FFF_FFFF
                    let frame = Frame(
                        type: buffer[3], flags: buffer[4], stream: stream, payload: Array(buffer[9..<(9 + length)]))
                    buffer.removeFirst(9 + length)
                    try take(frame)
                    return frame
                }
            }
            var chunk = [UInt8](repeating: 0, count: 1 << 16)
            let received: Int?
            do {
                received = try chunk.withUnsafeMutableBytes { try socket.receive(into: $0) }
            } catch {
                return nil
            }
            guard let count = received else { throw RawClient.Failure.timedOut("\(buffer.count) bytes") }
            if count == 0 { return nil }
            buffer += chunk[..<count]
        }
    }

    private func take(_ frame: Frame) throws {
        let endsStream = frame.flags & Self.endStream != 0
        switch frame.type {
        case Self.headers:
            let fields = inflate(frame.payload)
            if answers[frame.stream]?.status ?? 100 < 200 {
                answers[frame.stream, default: Answer()].headers = fields
            } else {
                answers[frame.stream]?.trailers = fields
            }
            if endsStream { ended.insert(frame.stream) }
        case Self.data:
            answers[frame.stream, default: Answer()].body += frame.payload
            if endsStream { ended.insert(frame.stream) }
            if opensWindows, !frame.payload.isEmpty {
                let more = Self.bytes(UInt32(frame.payload.count))
                try? send(
                    Self.frame(Self.windowUpdate, payload: more)
                        + (endsStream ? [] : Self.frame(Self.windowUpdate, stream: frame.stream, payload: more)))
            }
        case Self.reset:
            answers[frame.stream, default: Answer()].reset = frame.code
            ended.insert(frame.stream)
        case Self.settings where frame.flags & 1 == 0:
            for start in stride(from: 0, to: frame.payload.count - 5, by: 6) where frame.payload[start + 1] == 4 {
                let window = frame.payload[(start + 2)..<(start + 6)].reduce(0) { $0 << 8 | Int($1) }
                for stream in windows.keys { windows[stream]? += window - initialWindow }
                initialWindow = window
            }
            try? send(Self.frame(Self.settings, flags: 1))
        case Self.windowUpdate:
            let count = frame.payload.reduce(0) { $0 << 8 | Int($1) }
            if frame.stream == 0 { connectionWindow += count } else { windows[frame.stream]? += count }
        case Self.goAway:
            goAwayCode = frame.code
            goAwayStream = frame.payload.prefix(4).reduce(0) { $0 << 8 | UInt32($1) } & 0x7FFF_FFFF
        default: break
        }
    }

    private func inflate(_ block: [UInt8]) -> [String: String] {
        var fields: [String: String] = [:]
        block.withUnsafeBufferPointer { bytes in
            var rest = bytes[...]
            while true {
                var field = nghttp2_nv()
                var flags: Int32 = 0
                let start = UnsafeBufferPointer(rebasing: rest)
                let count = nghttp2_hd_inflate_hd2(inflater, &field, &flags, start.baseAddress, start.count, 1)
                guard count >= 0 else { return }
                rest = rest.dropFirst(count)
                if UInt32(flags) & NGHTTP2_HD_INFLATE_EMIT.rawValue != 0 {
                    let name = UnsafeBufferPointer(start: field.name, count: field.namelen)
                    let value = UnsafeBufferPointer(start: field.value, count: field.valuelen)
                    fields[String(decoding: name, as: UTF8.self)] = String(decoding: value, as: UTF8.self)
                }
                if UInt32(flags) & NGHTTP2_HD_INFLATE_FINAL.rawValue != 0 { break }
                if count == 0, rest.isEmpty { break }
            }
        }
        nghttp2_hd_inflate_end_headers(inflater)
        return fields
    }

    /// The answer on a stream, when it has ended; also when the server closes the connection first.
    package func answer(_ stream: UInt32) throws -> Answer {
        while !ended.contains(stream), try next() != nil {}
        return answers[stream] ?? Answer()
    }

    /// Sends a request and reads its answer.
    package func ask(
        _ stream: UInt32, _ method: String, _ path: String, headers: [(name: String, value: String)] = [],
        body: [UInt8] = []
    ) throws -> Answer {
        try request(stream, method, path, headers: headers, body: body)
        return try answer(stream)
    }

    /// Reads until the server closes the connection.
    ///
    /// - Returns: Whether it did, within ten seconds without a frame.
    package func isClosedByServer() -> Bool {
        do {
            while try next() != nil {}
            return true
        } catch {
            return false
        }
    }
}
