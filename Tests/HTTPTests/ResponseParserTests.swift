// SPDX-License-Identifier: MIT

import HTTP
import Testing

@Suite struct ResponseParserTests {
    private struct Seen: Equatable {
        var status: Int
        var body: String
        var keepsAlive: Bool
    }

    /// All responses in some bytes that come in pieces of `size`, and then the connection's end.
    private func responses(_ text: String, inPiecesOf size: Int, _ limits: HTTPLimits = HTTPLimits()) throws -> [Seen] {
        var parser = ResponseParser(limits: limits)
        var seen: [Seen] = []
        func add(_ answer: ResponseParser.Answer) {
            seen.append(
                Seen(
                    status: answer.status, body: String(decoding: answer.body, as: UTF8.self),
                    keepsAlive: answer.keepsAlive))
        }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            rest.prefix(size).withUnsafeBytes { parser.append($0) }
            rest = rest.dropFirst(size)
            while let answer = try parser.next() { add(answer) }
        }
        if let last = parser.finish() { add(last) }
        return seen
    }

    @Test(arguments: [1, 2, 3, 7, 1000]) func responsesAreReadHoweverTheyAreCut(size: Int) throws {
        let text =
            "HTTP/1.1 100 Continue\r\n\r\n" + "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
            + "HTTP/1.1 503 \r\ntransfer-encoding: chunked\r\nConnection: close\r\n\r\n3\r\nbus\r\n1\r\ny\r\n0\r\n\r\n"
            + "HTTP/1.1 204\r\n\r\n" + "HTTP/1.0 200 OK\r\n\r\nuntil the end"
        #expect(
            try responses(text, inPiecesOf: size) == [
                Seen(status: 200, body: "hello", keepsAlive: true), Seen(status: 503, body: "busy", keepsAlive: false),
                Seen(status: 204, body: "", keepsAlive: true),
                Seen(status: 200, body: "until the end", keepsAlive: false),
            ])
    }

    @Test(arguments: [
        "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000\r\n\r\n", "HTTP/1.1\r\n\r\n",
        "\r\n\r\n\r\n\r\n",
        "<html>\r\n\r\n", "HTTP/1.1 099 Low\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ])
    func whatIsNoResponseIsAnError(text: String) {
        for size in [1, 1000] {
            #expect(throws: HTTPError.self) { _ = try responses(text, inPiecesOf: size) }
        }
    }

    @Test func nothingGrowsPastItsLimit() {
        var limits = HTTPLimits()
        limits.maxHeaderBytes = 100
        limits.maxBodyBytes = 10
        let head = "HTTP/1.1 200 OK\r\nA: " + String(repeating: "a", count: 200)
        #expect(throws: HTTPError.headersTooLarge(limit: 100)) { _ = try responses(head, inPiecesOf: 50, limits) }
        for text in ["Content-Length: 11\r\n\r\n", "\r\n01234567890"] {
            #expect(throws: HTTPError.bodyTooLarge(limit: 10)) {
                _ = try responses("HTTP/1.1 200 OK\r\n" + text, inPiecesOf: 1000, limits)
            }
        }
    }
}
