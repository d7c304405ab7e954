// SPDX-License-Identifier: MIT

import HTTP
import Testing
import Text

@Suite struct RequestParserTests {
    @Test func readsARequestWithItsBody() throws {
        let stream = ParsedStream(request("Content-Length: 5", "X-Y:  z \t", body: "hello"))
        let head = try #require(stream.heads.first)
        #expect(head.method == "POST")
        #expect(head.target.path == "/x")
        #expect(head.headers["x-y"] == "z")
        #expect(head.framing == .length(5))
        #expect(head.keepsAlive)
        #expect(stream.bodies == ["hello"])
        #expect(stream.error == nil)
    }

    static let stream =
        request("Content-Length: 3", body: "abc") + "\r\n"
        + request("Transfer-Encoding: chunked", body: "4\r\nwiki\r\n1;x=y\r\n!\r\n0\r\nT: v\r\n\r\n")
        + request(line: "GET /last?q HTTP/1.1")

    @Test(arguments: 1...40) func aStreamCutAnywhereReadsTheSame(pieceSize: Int) {
        let pieces = ParsedStream(Self.stream, pieceSize: pieceSize)
        #expect(pieces == ParsedStream(Self.stream))
        #expect(pieces.bodies == ["abc", "wiki!", ""])
        #expect(pieces.heads.map(\.target.path) == ["/x", "/x", "/last"])
    }

    @Test(arguments: [9_999, 65_536, 299_999, 300_000, 400_000]) func largeBodiesStayWhole(pieceSize: Int) {
        let body = (0..<60_000).map { String(10_000 + $0 % 90_000) }.joined()
        let large = request("Content-Length: 300000", body: body)
        let stream = ParsedStream(large + large + request("Content-Length: 3", body: "abc"), pieceSize: pieceSize)
        #expect(stream.bodies == [body, body, "abc"])
        #expect(stream.error == nil)
    }

    @Test func pipelinedRequestsKeepTheirOrderAndAnErrorEndsThem() {
        let good = (0..<100).map { request("Content-Length: 2", body: "ok", line: "POST /\($0) HTTP/1.1") }.joined()
        let stream = ParsedStream(good + "BROKEN\r\n\r\n" + good)
        #expect(stream.heads.map(\.target.path) == (0..<100).map { ByteText("/\($0)") })
        #expect(stream.bodies.count == 100)
        #expect(stream.error == .malformedRequestLine)
    }

    @Test func nothingIsReadBehindAnError() throws {
        var parser = RequestParser(limits: HTTPLimits())
        Array("BROKEN\r\n\r\n".utf8).withUnsafeBytes { parser.append($0) }
        #expect(throws: HTTPError.malformedRequestLine) { try parser.next() }
        Array(request(line: "GET / HTTP/1.1").utf8).withUnsafeBytes { parser.append($0) }
        #expect(throws: HTTPError.malformedRequestLine) { try parser.next() }
    }

    @Test func oneEmptyLineBeforeARequestIsSkippedAndASecondIsRefused() {
        #expect(ParsedStream("\r\n" + request()).heads.count == 1)
        #expect(ParsedStream("\r\n\r\n" + request()).error == .emptyLinesBeforeRequest)
    }

    @Test(arguments: [
        "GET / HTTP/1.1\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\n", "\n",
    ])
    func refusesBareLineFeeds(text: String) {
        #expect(ParsedStream(text).error == .bareLineFeed)
    }

    @Test(arguments: [
        ("GET /\r\nHost: a\r\n\r\n", HTTPError.malformedRequestLine),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", .malformedRequestLine),
        ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", .malformedRequestLine),
        (" GET / HTTP/1.1\r\nHost: a\r\n\r\n", .malformedRequestLine),
        ("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", .malformedRequestLine),
        ("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", .malformedRequestLine),
        ("GET / HTTP/1.2\r\nHost: a\r\n\r\n", .unsupportedVersion),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", .unsupportedVersion),
        ("GET / http/1.1\r\nHost: a\r\n\r\n", .unsupportedVersion),
        ("GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", .unsupportedVersion),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .unsupportedVersion),
    ])
    func refusesMalformedRequestLines(text: String, expected: HTTPError) {
        #expect(ParsedStream(text).error == expected)
    }

    @Test func refusesARequestLineAboveTheLimitBeforeItEnds() {
        var limits = HTTPLimits()
        limits.maxRequestLineBytes = 20
        #expect(ParsedStream("GET /234567 HTTP/1.1\r\nHost: a\r\n\r\n", limits: limits).heads.count == 1)
        #expect(
            ParsedStream("GET /2345678 HTTP/1.1\r\nHost: a\r\n\r\n", limits: limits).error
                == .requestLineTooLong(limit: 20))
        #expect(
            ParsedStream(String(repeating: "A", count: 22), limits: limits, pieceSize: 1).error
                == .requestLineTooLong(limit: 20))
    }

    @Test func refusesHeadersAboveTheLimitBeforeTheyEnd() {
        var limits = HTTPLimits()
        limits.maxHeaderBytes = 100
        let endless = "GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "y", count: 100)
        #expect(ParsedStream(endless, limits: limits).error == .headersTooLarge(limit: 100))
        #expect(ParsedStream(endless, limits: limits, pieceSize: 1).error == .headersTooLarge(limit: 100))
    }

    @Test func refusesMoreHeadersThanTheLimit() {
        let lines = (1..<100).map { "X-\($0): y\r\n" }.joined()
        #expect(ParsedStream("GET / HTTP/1.1\r\nHost: a\r\n\(lines)\r\n").heads.count == 1)
        #expect(ParsedStream("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\(lines)\r\n").error == .tooManyHeaders(limit: 100))
    }
}
