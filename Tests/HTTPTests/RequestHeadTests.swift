// SPDX-License-Identifier: MIT

import HTTP
import Testing

@Suite struct RequestHeadTests {
    @Test(arguments: ["5, 5", "+5", "-5", "0x5", "5_0", "", "5 5", "5.", "99999999999999999999", "٣"])
    func refusesMalformedContentLengths(value: String) {
        #expect(ParsedStream(request("Content-Length: \(value)")).error == .invalidHeader(name: "content-length"))
    }

    @Test func refusesSeveralContentLengthsEvenIfEqual() {
        let stream = ParsedStream(request("Content-Length: 5", "content-length: 5", body: "hello"))
        #expect(stream.error == .headerCount(name: "content-length", count: 2))
    }

    @Test func refusesABodyAboveTheLimitByItsClaim() {
        #expect(ParsedStream(request("Content-Length: 16777216")).heads.count == 1)
        let stream = ParsedStream(request("Content-Length: 16777217"))
        #expect(stream.error == .bodyTooLarge(limit: 16 << 20))
        #expect(stream.heads.isEmpty)
        #expect(ParsedStream(request("Content-Length: 9223372036854775807")).error == .bodyTooLarge(limit: 16 << 20))
        #expect(
            ParsedStream(request("Content-Length: 9999999999999999999")).error == .invalidHeader(name: "content-length")
        )
    }

    @Test func refusesLengthAndCodingTogether() {
        for lines in [
            ["Content-Length: 5", "Transfer-Encoding: chunked"], ["Transfer-Encoding: chunked", "Content-Length: 5"],
        ] {
            #expect(ParsedStream(request(lines[0], lines[1], body: "0\r\n\r\n")).error == .ambiguousFraming)
        }
    }

    @Test(arguments: [
        ("gzip", HTTPError.unsupportedTransferCoding), ("gzip, chunked", .unsupportedTransferCoding),
        ("identity", .unsupportedTransferCoding), ("xchunked", .unsupportedTransferCoding),
        ("chunked, gzip", .invalidHeader(name: "transfer-encoding")),
        ("chunked, chunked", .invalidHeader(name: "transfer-encoding")),
        ("chunked,", .invalidHeader(name: "transfer-encoding")), ("", .invalidHeader(name: "transfer-encoding")),
    ])
    func refusesOtherTransferCodings(value: String, expected: HTTPError) {
        #expect(ParsedStream(request("Transfer-Encoding: \(value)", body: "0\r\n\r\n")).error == expected)
    }

    /// By Unicode's rules these are the words of the protocol: the Kelvin sign is a K, and in lower case a k. A proxy that
    /// compares bytes sees other words, and another end of the request.
    @Test func wordsOfTheProtocolAreComparedByteByByte() {
        #expect(
            ParsedStream(request("Transfer-Encoding: chun\u{212A}ed", body: "0\r\n\r\n")).error
                == .unsupportedTransferCoding)
        #expect(
            ParsedStream(request("Transfer-Encoding: chun\u{212A}ed, chunked", body: "0\r\n\r\n")).error
                == .unsupportedTransferCoding)
        let old = ParsedStream(request("Connection: \u{212A}eep-alive", line: "GET / HTTP/1.0"))
        #expect(old.heads.first?.keepsAlive == false)
        #expect(ParsedStream(request("Expect: 100-continu\u{435}")).error == .unsupportedExpectation)
        #expect(ParsedStream("GET / HTTP/1.1\r\nHost: \u{212A}\r\n\r\n").error == .invalidHeader(name: "host"))
        #expect(
            ParsedStream("GET http://K/ HTTP/1.1\r\nHost: k\r\n\r\n").heads.first?.target.authority == "K")
    }

    @Test func refusesTwoTransferCodingLinesAndAnyInHTTP10() {
        #expect(
            ParsedStream(request("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body: "0\r\n\r\n")).error
                == .invalidHeader(name: "transfer-encoding"))
        #expect(
            ParsedStream(request("Transfer-Encoding: chunked", body: "0\r\n\r\n", line: "POST / HTTP/1.0")).error
                == .invalidHeader(name: "transfer-encoding"))
        #expect(ParsedStream(request("Transfer-Encoding: Chunked", body: "0\r\n\r\n")).bodies == [""])
    }

    @Test(arguments: [
        "X : y", " X: y", "\tX: y", ": y", "X y", "X\u{0}: y", "Xé: y", "X", "(X): y", "X: a\u{0}b", "X: a\rb",
        "X: a\u{7F}b", "X: \u{1}",
    ])
    func refusesMalformedHeaderLines(line: String) {
        let error = ParsedStream(request(line)).error
        guard case .malformedHeader = error else {
            Issue.record("\(line.debugDescription) gave \(String(describing: error))")
            return
        }
    }

    @Test func refusesFoldedHeaderLines() {
        #expect(ParsedStream(request("X: a", " b")).error == .malformedHeader(name: "?b"))
    }

    @Test(arguments: [
        "Content_Length: 5", "Transfer_Encoding: chunked", "content_type: text/plain", "X_Forwarded_For: 10.0.0.1",
    ])
    func refusesUnderscoresThatAliasAFramingHeader(line: String) {
        guard case .malformedHeader = ParsedStream(request(line)).error else {
            Issue.record("\(line) was taken")
            return
        }
        #expect(ParsedStream(request("access_token: k")).heads.first?.headers["access_token"] == "k")
    }

    @Test func wantsOneHostInHTTP11() {
        #expect(ParsedStream("GET / HTTP/1.1\r\n\r\n").error == .headerCount(name: "host", count: 0))
        #expect(ParsedStream(request("Host: a")).error == .headerCount(name: "host", count: 2))
        #expect(ParsedStream("GET / HTTP/1.0\r\n\r\n").heads.count == 1)
        #expect(
            ParsedStream("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n").error == .headerCount(name: "host", count: 2))
    }

    @Test(arguments: ["", "a b", "a,b", "a/b", "u@a", "a?b"])
    func refusesMalformedHosts(host: String) {
        #expect(ParsedStream("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n").error == .invalidHeader(name: "host"))
    }

    @Test func refusesTwoContentTypes() {
        #expect(
            ParsedStream(request("Content-Type: a/b", "Content-Type: a/b")).error
                == .headerCount(name: "content-type", count: 2))
    }

    @Test func readsExpectations() {
        #expect(ParsedStream(request("Expect: 100-Continue")).heads.first?.expectsContinue == true)
        #expect(ParsedStream(request("Expect: 200-ok")).error == .unsupportedExpectation)
        let old = ParsedStream(request("Expect: 100-continue", line: "POST / HTTP/1.0"))
        #expect(old.heads.first?.expectsContinue == false)
    }

    @Test(arguments: [
        ("HTTP/1.1", "X: y", true), ("HTTP/1.1", "Connection: Close", false),
        ("HTTP/1.1", "Connection: upgrade, close", false), ("HTTP/1.0", "X: y", false),
        ("HTTP/1.0", "Connection: Keep-Alive", true),
    ])
    func knowsWhetherTheConnectionStays(version: String, line: String, expected: Bool) {
        #expect(ParsedStream(request(line, line: "GET / \(version)")).heads.first?.keepsAlive == expected)
    }
}
