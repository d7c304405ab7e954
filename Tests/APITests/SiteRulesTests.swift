// SPDX-License-Identifier: MIT

import API
import HTTP
import Testing
import Text
import Transport

/// Which names and which web pages the server answers.
@Suite struct SiteRulesTests {
    private func status(
        _ method: String = "GET", host: String, origin: String? = nil, from peer: Peer = .here,
        _ change: (inout SiteRules) -> Void = { _ in }
    ) throws -> Int {
        let api = try API.stub {
            $0.allowsAdministration = true
            change(&$0.sites)
        }
        let path = method == "GET" ? "/v2/models" : "/v2/repository/models/digits/unload"
        return try api.answer(method, path, host: host, from: peer, headers: origin.map { ["Origin: \($0)"] } ?? [])
            .status.code
    }

    // MARK: Host

    @Test(arguments: [
        "localhost", "localhost:8000", "LocalHost.", "app.localhost:1", "127.0.0.1", "127.0.0.1:8000", "127.255.0.1:80",
        "[::1]", "[::1]:8000", "[::ffff:127.0.0.1]", "bound.example", "Bound.Example:8000", "10.1.2.3:80", "swiftnet",
    ])
    func itsOwnNamesAreTaken(host: String) throws {
        #expect(try status(host: host) { $0.boundHosts = ["bound.example", "10.1.2.3"] } == 200)
    }

    /// A page whose name leads here by DNS rebinding has a name of its own.
    @Test(arguments: [
        "rebound.evil.example", "rebound.evil.example:8000", "8.8.8.8", "[2001:db8::1]:80", "localhost.evil.example",
        "127.0.0.1.evil.example", "evil.example.", "xlocalhost.evil", "127.0.0.1:80.evil", "[::1].evil",
        "[localhost]:80",
        "evil:80:80", ".", "..",
    ])
    func namesOfOthersAreRefused(host: String) throws {
        #expect(try status(host: host) { $0.boundHosts = ["bound.example"] } == 403)
        #expect(try status("POST", host: host) == 403)
    }

    /// An address that others reach is protected by its key, and proxies before it use names of their own.
    @Test func elsewhereNamesAreTakenUntilSomeAreNamed() throws {
        #expect(try status(host: "api.example.org", from: .elsewhere) == 200)
        #expect(try status(host: "api.example.org", from: .elsewhere) { $0.allowedHosts = ["example.com"] } == 403)
        #expect(try status(host: "localhost", from: .elsewhere) { $0.allowedHosts = ["example.com"] } == 403)
        #expect(try status(host: "swiftnet", from: .elsewhere) { $0.allowedHosts = ["example.com"] } == 403)
    }

    @Test(arguments: [
        ("example.org", "example.org", 200), ("example.org", "EXAMPLE.org:443", 200),
        ("example.org", "a.example.org", 403),
        (".example.org", "example.org", 200), (".example.org", "a.b.example.org", 200),
        (".example.org", "aexample.org", 403), ("*", "anything.example", 200), ("192.0.2.1", "192.0.2.1:80", 200),
        ("192.0.2.1", "192.0.2.2", 403), ("2001:db8::1", "[2001:DB8::1]:80", 200), ("example.org", "localhost", 200),
        ("example.org", "swiftnet", 403),
    ])
    func allowedHostsAreTaken(allowed: String, host: String, expected: Int) throws {
        #expect(SiteRules.isHost(ByteText(allowed)))
        #expect(try status(host: host) { $0.allowedHosts = [ByteText(allowed)] } == expected)
    }

    @Test func probesAreForEveryone() throws {
        let api = try API.stub()
        for path in ["/", "/healthz", "/v2/health/live", "/v2/health/ready"] {
            #expect(try api.answer("GET", path, host: "evil.example").status == .ok)
        }
    }

    // MARK: Origin

    @Test(arguments: [
        "http://evil.example", "https://127.0.0.1.evil.example", "null", "http://127.0.0.1:8001",
        "http://localhost:8000",
        "file://", "", "http://127.0.0.1:8000.evil.example", "chrome-extension://abc", "http://",
    ])
    func pagesOfOtherSitesAreRefused(origin: String) throws {
        for method in ["GET", "POST"] {
            #expect(try status(method, host: "127.0.0.1:8000", origin: origin) == 403)
        }
    }

    @Test func itsOwnPagesAreTaken() throws {
        #expect(try status("POST", host: "127.0.0.1:8000", origin: "http://127.0.0.1:8000") == 200)
        #expect(try status("POST", host: "LOCALHOST:8000", origin: "http://localhost:8000") == 200)
        #expect(
            try status("POST", host: "api.example.org", origin: "https://api.example.org") {
                $0.allowedHosts = ["api.example.org"]
            } == 200)
        // A name without a dot is taken of programs, but a page of that name could be anyone's in a strange network.
        #expect(try status("POST", host: "swiftnet", origin: "http://swiftnet") == 403)
        #expect(try status("POST", host: "swiftnet") == 200)
    }

    @Test func elsewhereAForeignPageIsRefusedUnlessAKeyIsWanted() throws {
        let origin = "https://app.example.org"
        #expect(try status(host: "api.example.org", origin: origin, from: .elsewhere) == 403)
        #expect(try status(host: "api.example.org", origin: "https://api.example.org", from: .elsewhere) == 200)
        let keys = try APIKeys(Array("0123456789abcdef".utf8))
        let api = try API.stub { $0.keys = keys }
        let headers = ["Origin: \(origin)", "access_token: 0123456789abcdef"]
        #expect(try api.answer("GET", "/v2", host: "b.example", from: .elsewhere, headers: headers).status == .ok)
        #expect(try api.answer("GET", "/v2", host: "127.0.0.1", headers: headers).status == .forbidden)
    }

    // MARK: Sites that are let in

    @Test func aSiteThatIsLetInMayAskAndRead() throws {
        let api = try API.stub { $0.sites.allowedOrigins = ["https://app.example.org", "http://localhost:3000"] }
        func head(_ headers: [String]) throws -> RequestHead {
            let lines = ["POST /inference HTTP/1.1", "Host: localhost"] + headers
            return try RequestHead(
                parsing: Array((lines.joined(separator: "\r\n") + "\r\n").utf8), limits: HTTPLimits())
        }
        let own = ["Origin: https://App.example.org"]
        #expect(
            try api.answer("POST", "/inference", host: "localhost", headers: own, text: #"{"images":[7,0,0,0]}"#).text
                == "7")
        let headers = Dictionary(uniqueKeysWithValues: api.headers(for: try head(own)).map { ($0.name, $0.value) })
        #expect(headers["Access-Control-Allow-Origin"] == "https://App.example.org")
        #expect(headers["Vary"] == "Origin")
        #expect(headers["Access-Control-Expose-Headers"]?.contains("Model-Version") == true)
        #expect(try api.headers(for: head(["Origin: https://evil.example"])).map(\.name) == ["Vary"])
        #expect(try api.headers(for: head([])).map(\.name) == ["Vary"])
        let evil = ["Origin: https://evil.example"]
        #expect(try api.answer("POST", "/inference", host: "localhost", headers: evil).status == .forbidden)
        #expect(try API.stub().headers(for: head(own)).isEmpty)
    }

    /// The browser asks first, and brings no key with its question.
    @Test func aBrowserMayAskFirst() throws {
        let keys = try APIKeys(Array("0123456789abcdef".utf8))
        let api = try API.stub {
            $0.sites.allowedOrigins = ["https://app.example.org"]
            $0.keys = keys
        }
        let question = ["Origin: https://app.example.org", "Access-Control-Request-Method: POST"]
        let answer = try api.answer("OPTIONS", "/inference", host: "localhost", headers: question)
        #expect(answer.status == .ok && answer.body.isEmpty)
        #expect(answer.header("Access-Control-Allow-Methods") == "POST")
        #expect(answer.header("Access-Control-Allow-Headers")?.contains("access_token") == true)
        #expect(answer.header("Access-Control-Allow-Private-Network") == nil)
        let network = question + ["Access-Control-Request-Private-Network: true"]
        #expect(
            try api.answer("OPTIONS", "/v2", host: "localhost", headers: network).header(
                "Access-Control-Allow-Private-Network") == "true")
        let evil = ["Origin: https://evil.example", "Access-Control-Request-Method: POST"]
        #expect(try api.answer("OPTIONS", "/inference", host: "localhost", headers: evil).status == .forbidden)
        #expect(try api.answer("OPTIONS", "/inference", host: "localhost").status == .methodNotAllowed)
        let open = try API.stub { $0.sites.allowedOrigins = ["*"] }
        #expect(try open.answer("OPTIONS", "/inference", host: "localhost", headers: evil).status == .ok)
        let head = try RequestHead(
            parsing: Array("GET / HTTP/1.1\r\nHost: a\r\nOrigin: https://evil.example\r\n".utf8), limits: HTTPLimits())
        #expect(open.headers(for: head).contains { $0.name == "Access-Control-Allow-Origin" && $0.value == "*" })
    }

    @Test func knowsHostsAndSitesFromOtherTexts() {
        for text in ["a", "a.b-c_d.e", ".a.b", "*", "192.0.2.1", "2001:db8::1", "xn--bcher-kva.example"] {
            #expect(SiteRules.isHost(ByteText(text)), "\(text)")
        }
        for text in ["", ".", "..a", "a:80", "a/b", "http://a", "b\u{FC}cher.example", "*.a", "[::1]", "a b"] {
            #expect(!SiteRules.isHost(ByteText(text)), "\(text)")
        }
        for text in ["*", "https://a", "HTTP://a.b:80", "http://[::1]:80"] {
            #expect(SiteRules.isOrigin(ByteText(text)), "\(text)")
        }
        for text in ["", "a", "https://", "https://a/", "https://a/b", "ftp://a", "null", "https://u@a", "https://a b"]
        {
            #expect(!SiteRules.isOrigin(ByteText(text)), "\(text)")
        }
    }
}
