// SPDX-License-Identifier: MIT

import HTTP
import Testing

@Suite struct ChunkedBodyTests {
    private func parse(_ body: String, limits: HTTPLimits = HTTPLimits()) -> ParsedStream {
        ParsedStream(request("Transfer-Encoding: chunked", body: body), limits: limits)
    }

    @Test func joinsChunks() {
        #expect(
            parse("3\r\nabc\r\n00000000000000aA\r\n\(String(repeating: "x", count: 170))\r\n0\r\n\r\n").bodies == [
                "abc" + String(repeating: "x", count: 170)
            ])
    }

    @Test(arguments: [
        "\r\n", "+3\r\nabc\r\n", "-3\r\n", "0x3\r\nabc\r\n", "3_\r\n", " 3\r\nabc\r\n", "3 \r\nabc\r\n",
        "3 ;x\r\nabc\r\n", "g\r\n",
        "00000000000000003\r\nabc\r\n", "3\r\nabcd\r\n", "3\r\nabc\n0\r\n\r\n", "3\r\nabc\r0\r\n\r\n",
        "3;a\u{0}\r\nabc\r\n",
    ])
    func refusesMalformedChunks(body: String) {
        #expect(parse(body).error == .malformedChunk)
        #expect(parse(body).bodies.isEmpty)
    }

    @Test(arguments: ["3\nabc\r\n0\r\n\r\n", "0\r\n\n", "\n"])
    func refusesBareLineFeeds(body: String) {
        #expect(parse(body).error == .bareLineFeed)
    }

    @Test func refusesSizesThatOverflow() {
        #expect(parse("ffffffffffffffff\r\n").error == .bodyTooLarge(limit: 16 << 20))
        #expect(parse("7fffffffffffffff\r\n").error == .bodyTooLarge(limit: 16 << 20))
    }

    @Test func limitsTheJoinedBody() {
        var limits = HTTPLimits()
        limits.maxBodyBytes = 5
        #expect(parse("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", limits: limits).bodies == ["abcde"])
        #expect(parse("3\r\nabc\r\n3\r\n", limits: limits).error == .bodyTooLarge(limit: 5))
    }

    @Test func limitsTheNumberOfChunks() {
        var limits = HTTPLimits()
        limits.maxChunks = 3
        #expect(parse("1\r\na\r\n1\r\nb\r\n0\r\n\r\n", limits: limits).bodies == ["ab"])
        #expect(parse("1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n", limits: limits).error == .tooManyChunks(limit: 3))
    }

    @Test func limitsExtensionsAndTrailers() {
        #expect(parse("3;" + String(repeating: "x", count: 300)).error == .malformedChunk)
        #expect(parse("0\r\nX: " + String(repeating: "x", count: 5000)).error == .headersTooLarge(limit: 4096))
        let lines = String(repeating: "X: 123456789\r\n", count: 300)
        #expect(parse("0\r\n" + lines).error == .headersTooLarge(limit: 4096))
    }

    @Test(arguments: ["Content-Length: 3", "Transfer-Encoding: chunked", "Host: b"])
    func refusesTrailersThatChangeTheFraming(line: String) {
        let name = line.prefix { $0 != ":" }.lowercased()
        #expect(parse("0\r\n\(line)\r\n\r\n").error == .invalidHeader(name: name))
    }

    @Test func holdsTrailersToTheRulesOfHeaders() {
        #expect(parse("0\r\nX : y\r\n\r\n").error == .malformedHeader(name: "x?"))
        #expect(parse("0\r\nX: y\r\n\r\n").bodies == [""])
    }

    @Test func waitsForTheEndOfTheTrailers() {
        #expect(parse("3\r\nabc\r\n0\r\n").bodies.isEmpty)
        #expect(parse("3\r\nabc\r\n0\r\n").error == nil)
    }
}
