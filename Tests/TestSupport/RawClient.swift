// SPDX-License-Identifier: MIT

import SystemCalls

/// A connection on which a test says exactly what it wants, and reads what comes.
package final class RawClient {
    /// A response as it came.
    package struct Answer: Equatable {
        package let status: Int
        package let headers: [String: String]
        package let body: [UInt8]

        /// The body as text.
        package var text: String { String(decoding: body, as: UTF8.self) }
    }

    /// Why a test's connection gave no answer.
    package enum Failure: Error, Equatable {
        case closed(String)
        case timedOut(String)
    }

    private let socket: FileDescriptor
    private var buffer: [UInt8] = []

    /// Connects. Reads give up after ten seconds.
    package init(_ address: SocketAddress) throws {
        socket = try .connected(to: address)
        try socket.setTimeout(milliseconds: 10_000)
    }

    /// Connects to a port of this machine.
    package convenience init(port: UInt16) throws {
        try self.init(.tcp(host: "127.0.0.1", port: port))
    }

    package func send(_ text: String) throws {
        try send(Array(text.utf8))
    }

    package func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let count = try rest.withUnsafeBytes({ try socket.send($0) }) else { throw Failure.timedOut("send") }
            rest = rest.dropFirst(count)
        }
    }

    /// Sends no more; still reads.
    package func finish() {
        socket.shutdownSending()
    }

    /// Reads one response.
    ///
    /// - Parameter isHead: Whether no body follows whatever the headers say.
    package func answer(isHead: Bool = false) throws -> Answer {
        let blank = Array("\r\n\r\n".utf8)
        var end: Int?
        while true {
            end = buffer.indices.first { buffer[$0...].starts(with: blank) }
            if end != nil { break }
            try fill()
        }
        let head = String(decoding: buffer[..<(end ?? 0)], as: UTF8.self)
        buffer.removeFirst((end ?? 0) + 4)
        var lines = head.split(separator: "\r\n").map(String.init)
        let status = Int(lines.removeFirst().split(separator: " ")[1]) ?? 0
        var headers: [String: String] = [:]
        for line in lines {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] = String(parts[1].drop { $0 == " " })
        }
        let length = isHead || status == 100 ? 0 : Int(headers["content-length"] ?? "0") ?? 0
        while buffer.count < length { try fill() }
        defer { buffer.removeFirst(length) }
        return Answer(status: status, headers: headers, body: Array(buffer[..<length]))
    }

    /// Sends a request and reads its answer.
    package func ask(_ method: String, _ path: String, headers: [String] = [], body: [UInt8] = []) throws -> Answer {
        let lines = ["\(method) \(path) HTTP/1.1", "Host: a"] + headers + ["Content-Length: \(body.count)", "", ""]
        try send(Array(lines.joined(separator: "\r\n").utf8) + body)
        return try answer(isHead: method == "HEAD")
    }

    /// The same for a body of text.
    package func ask(_ method: String, _ path: String, headers: [String] = [], text: String) throws -> Answer {
        try ask(method, path, headers: headers, body: Array(text.utf8))
    }

    /// Whether the server closes the connection, orderly and without sending more.
    package func isClosedByServer() -> Bool {
        do {
            try fill()
            return false
        } catch {
            return error as? Failure == .closed("")
        }
    }

    private func fill() throws {
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        guard let count = try chunk.withUnsafeMutableBytes({ try socket.receive(into: $0) }) else {
            throw Failure.timedOut(String(decoding: buffer, as: UTF8.self))
        }
        if count == 0 { throw Failure.closed(String(decoding: buffer, as: UTF8.self)) }
        buffer += chunk[..<count]
    }
}
