// SPDX-License-Identifier: MIT

import HTTP
import SystemCalls

/// A connection to one server, opened when it is needed and kept for the next request.
final class ServerConnection {
    let url: ServerURL
    private let timeoutMilliseconds: Int
    private var socket: FileDescriptor?
    private var parser = ResponseParser(limits: HTTPLimits())

    init(_ url: ServerURL, timeoutMilliseconds: Int) {
        self.url = url
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    /// Sends a request and reads its answer. A kept connection that the server has closed is opened anew, once.
    ///
    /// - Throws: `SystemError` or `HTTPError`; what was asked may have been done or not.
    func ask(
        _ method: String, _ path: String, headers: [(name: String, value: String)], body: [UInt8]
    ) throws -> ResponseParser.Answer {
        var lines = ["\(method) \(url.prefix)\(path) HTTP/1.1", "Host: \(url.host)", "Content-Length: \(body.count)"]
        lines += headers.map { "\($0.name): \($0.value)" }
        let request = Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body
        let isKept = socket != nil
        do {
            return try exchange(request)
        } catch {
            let isUnused = !parser.isInsideResponse
            close()
            guard isKept, isUnused, let error = error as? SystemError, error.isAboutClosedConnection else {
                throw error
            }
            return try exchange(request)
        }
    }

    /// Closes the connection; the next request opens another.
    func close() {
        socket = nil
        parser = ResponseParser(limits: HTTPLimits())
    }

    private func exchange(_ request: [UInt8]) throws -> ResponseParser.Answer {
        let socket = try socket ?? FileDescriptor.connected(to: url.address, timeoutMilliseconds: timeoutMilliseconds)
        socket.disableDelay()
        self.socket = socket
        var rest = request[...]
        while !rest.isEmpty {
            guard let count = try rest.withUnsafeBytes({ try socket.send($0) }) else { throw timedOut("send") }
            rest = rest.dropFirst(count)
        }
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            if let answer = try parser.next() {
                if !answer.keepsAlive { close() }
                return answer
            }
            guard let count = try buffer.withUnsafeMutableBytes({ try socket.receive(into: $0) }) else {
                throw timedOut("recv")
            }
            if count == 0 {
                defer { close() }
                if let answer = parser.finish() { return answer }
                throw SystemError(call: "recv", errno: SystemError.connectionReset, subject: url.description)
            }
            buffer.withUnsafeBytes { parser.append(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
    }

    private func timedOut(_ call: String) -> SystemError {
        SystemError(call: call, errno: SystemError.timedOut, subject: url.description)
    }
}
