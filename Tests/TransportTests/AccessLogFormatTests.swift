// SPDX-License-Identifier: MIT

import HTTP
import JSON
import SystemCalls
import Testing
import Text
import Transport

@Suite struct AccessLogFormatTests {
    private func head(_ line: String, _ headers: [String] = []) throws -> RequestHead {
        let text = ([line, "Host: a"] + headers).joined(separator: "\r\n") + "\r\n"
        return try RequestHead(parsing: Array(text.utf8), limits: HTTPLimits())
    }

    private func entry(_ head: RequestHead?, trace: String? = nil, bytes: Int = 12) -> AccessLog.Entry {
        var response = Response(.ok)
        response.add("X-Request-Id", "abc-1")
        return AccessLog.Entry(
            date: "Thu, 26 Nov 2026 00:20:07 GMT", id: "abc-1", client: IPAddress("192.0.2.7"), head: head,
            trace: trace,
            status: 200, headers: response.headers, byteCount: bytes, nanoseconds: 1_234_567_899)
    }

    private func line(_ format: String, _ entry: AccessLog.Entry) throws -> String {
        String(decoding: try #require(AccessLogFormat(format)).line(entry), as: UTF8.self)
    }

    private let agent = ["User-Agent: curl/8.5", "Referer: http://a/b"]

    @Test func textAndJSONTellTheSame() throws {
        let head = try head("POST /inference?x=1 HTTP/1.1", agent)
        #expect(
            try line("text", entry(head))
                == #"[Thu, 26 Nov 2026 00:20:07 GMT] 192.0.2.7 "POST /inference" 200 12 1234567us abc-1 "curl/8.5""#)
        #expect(
            try line("json", entry(head, trace: "00-1-2-01"))
                == #"{"time":"Thu, 26 Nov 2026 00:20:07 GMT","client":"192.0.2.7","method":"POST","path":"/inference","status":200,"bytes":12,"microseconds":1234567,"user_agent":"curl/8.5","traceparent":"00-1-2-01","id":"abc-1"}"#
        )
        #expect(try line("text", entry(head, trace: "00-1-2-01")).hasSuffix(#""curl/8.5" 00-1-2-01"#))
        #expect(try line("text", entry(nil)).contains(#" "- -" 200 12 1234567us abc-1 "-""#))
        #expect(try JSONValue(parsing: Array(line("json", entry(nil)).utf8))["user_agent"] == .null)
    }

    @Test func gunicornsOwnFormat() throws {
        let format = #"%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s""#
        #expect(
            try line(format, entry(head("POST /inference?x=1 HTTP/1.1", agent)))
                == #"192.0.2.7 - - [26/Nov/2026:00:20:07 +0000] "POST /inference?x=1 HTTP/1.1" 200 12 "http://a/b" "curl/8.5""#
        )
    }

    @Test(arguments: [
        ("m", "POST"), ("U", "/p"), ("q", "x=1"), ("H", "HTTP/1.0"), ("B", "0"), ("b", "-"), ("T", "1"), ("M", "1234"),
        ("D", "1234567"), ("L", "1.234567"), ("p", "<\(CurrentProcess.id)>"), ("{X-Forwarded-For}i", "1.2.3.4"),
        ("{none}i", "-"), ("{X-Request-Id}o", "abc-1"), ("{none}o", "-"), ("s", "200"), ("u", "-"),
    ])
    func eachAtomHasItsValue(atom: String, expected: String) throws {
        let head = try head("POST /p?x=1 HTTP/1.0", ["X-Forwarded-For: 1.2.3.4"])
        #expect(try line("%(\(atom))s", entry(head, bytes: 0)) == expected)
        #expect(try line("<%(\(atom))s%%>", entry(head, bytes: 0)) == "<\(expected)%>")
        #expect(AccessLogFormat("%(\(atom))s")?.description == "%(\(atom))s")
    }

    @Test(arguments: [
        "", "plain", "%", "%(h)", "%(h)d", "%(x)s", "%()s", "%(h", "%h", "%({a}x)s", "%({}i)s", "%({a b}i)s", "%(h)s\n",
        "TEXT", "%({authorization}i)s", "%({Access_Token}i)s", "%({Cookie}i)s", "%({PATH}e)s", "%(\u{212A})s",
    ])
    func refusesWhatIsNoFormatOrWouldLogAKey(text: String) { #expect(AccessLogFormat(text) == nil) }

    /// No client can end a quotation or a line.
    @Test func valuesStayInTheirPlace() throws {
        let head = try head(#"GET /a"b HTTP/1.1"#, ["User-Agent: a\" \\ \u{E9}"])
        #expect(try line(#""%(U)s" "%(a)s""#, entry(head)) == #""/a\x22b" "a\x22 \x5c \xc3\xa9""#)
        #expect(try line("text", entry(head)).hasSuffix(#""a\x22 \x5c \xc3\xa9""#))
        let long = try self.head("GET / HTTP/1.1", ["User-Agent: " + String(repeating: "x", count: 4000)])
        for format in ["text", "json", "%(a)s"] {
            #expect(try line(format, entry(long)).utf8.count < 900)
        }
    }
}

@Suite struct TrustedProxiesTests {
    private func client(_ proxies: String, peer: String?, _ headers: String...) throws -> String? {
        let text = (["GET / HTTP/1.1", "Host: a"] + headers.map { "X-Forwarded-For: \($0)" }).joined(separator: "\r\n")
        let head = try RequestHead(parsing: Array((text + "\r\n").utf8), limits: HTTPLimits())
        let address = try peer.map { try #require(IPAddress($0)) }
        return try #require(TrustedProxies(proxies))
            .client(of: Peer(address: address, isLocal: false), head.headers)?.description
    }

    @Test func onlyTheWordOfTrustedProxiesCounts() throws {
        let standard = TrustedProxies.standard.text
        #expect(try client(standard, peer: "127.0.0.1", "192.0.2.1") == "192.0.2.1")
        #expect(try client(standard, peer: "::1", "6.6.6.6, 192.0.2.1") == "192.0.2.1")
        #expect(try client(standard, peer: "10.0.0.1", "192.0.2.1") == "10.0.0.1")
        #expect(try client("10.0.0.0/8", peer: "10.0.0.1", "6.6.6.6, 192.0.2.1, 10.0.0.2") == "192.0.2.1")
        #expect(try client("10.0.0.0/8", peer: "10.0.0.1", "192.0.2.1", "10.0.0.2") == "192.0.2.1")
        #expect(try client("*", peer: "192.0.2.9", "1.1.1.1, 2.2.2.2") == "1.1.1.1")
        #expect(try client("", peer: "127.0.0.1", "1.1.1.1") == "127.0.0.1")
        #expect(try client(standard, peer: "127.0.0.1") == "127.0.0.1")
    }

    @Test func aPeerInTheFileSystemIsTrusted() throws {
        #expect(try client("127.0.0.1", peer: nil, "1.1.1.1, 192.0.2.1") == "192.0.2.1")
        #expect(try client("127.0.0.1", peer: nil) == nil)
    }

    @Test(arguments: ["unknown", "", "_hidden", "1.2.3", "1.2.3.4.5", "[::1", "a:80"])
    func whatIsNoAddressEndsTheSearch(hop: String) throws {
        #expect(try client("*", peer: "127.0.0.1", "1.1.1.1, \(hop), 192.0.2.1") == "192.0.2.1")
    }

    @Test(arguments: [
        ("192.0.2.1:4711", "192.0.2.1"), ("[2001:db8::1]:80", "2001:db8::1"), ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"), ("::ffff:192.0.2.1", "192.0.2.1"),
    ])
    func anAddressMayHaveAPort(hop: String, expected: String) throws {
        #expect(try client("127.0.0.1", peer: "127.0.0.1", hop) == expected)
    }

    @Test(arguments: ["10.0.0.0/8,::1", "*", ""])
    func isWrittenAsItIsRead(text: String) { #expect(TrustedProxies(text)?.text == text) }

    @Test(arguments: ["a", "10.0.0.0/33", "*,10.0.0.1", "10.0.0.1;10.0.0.2"])
    func refusesOtherTexts(text: String) { #expect(TrustedProxies(text) == nil) }
}

@Suite struct TraceContextTests {
    private func context(_ lines: String...) throws -> String? {
        let text = (["GET / HTTP/1.1", "Host: a"] + lines).joined(separator: "\r\n") + "\r\n"
        return TraceContext(try RequestHead(parsing: Array(text.utf8), limits: HTTPLimits()).headers)?.text
    }

    private static let trace = "0af7651916cd43dd8448eb211c80319c"
    private static let good = "00-\(trace)-b7ad6b7169203331-01"

    @Test(arguments: [good, "01-\(trace)-b7ad6b7169203331-00-what-comes-later", "cc-\(trace)-b7ad6b7169203331-ff"])
    func readsAPlaceInATrace(text: String) throws {
        #expect(try context("traceparent: \(text)") == text)
        #expect(try context("TraceParent: \(text) ") == text)
    }

    @Test(arguments: [
        "", "00", "\(good)-x", "ff-\(trace)-b7ad6b7169203331-01", "00-\(trace)-0000000000000000-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01", "00-\(trace)-b7ad6b7169203331",
        "00-\(trace)-b7ad6b7169203331-0", "00-\(trace)-B7AD6B7169203331-01", "00-\(trace)-b7ad6b716920333x-01",
        "0x-\(trace)-b7ad6b7169203331-01", "00-\(trace)0-b7ad6b7169203331-01", "01-\(trace)-b7ad6b7169203331-00-\u{E9}",
    ])
    func ignoresWhatBreaksTheRules(text: String) throws {
        #expect(try context("traceparent: \(text)") == nil)
    }

    @Test func ignoresTwo() throws {
        #expect(try context("traceparent: \(Self.good)", "traceparent: \(Self.good)") == nil)
    }
}
