// SPDX-License-Identifier: MIT

import API
import HTTP
import JSON
import Testing
import Transport

/// The page for people: who gets it, and what its browser is told.
@Suite struct PageTests {
    private let api: API
    private static let html = ["Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"]
    private static let files = [
        "app.css", "app.js", "server.js", "words.js", "parts.js", "draw.js", "photos.js", "ask.js", "running.js",
    ]

    init() throws {
        api = try API.stub()
    }

    @Test func browsersGetThePageAndProbesTheirAnswer() throws {
        let page = try api.answer("GET", "/", headers: Self.html)
        #expect(page.status == .ok)
        #expect(page.header("Content-Type") == "text/html; charset=utf-8")
        #expect(page.text.hasPrefix("<!doctype html>"))
        for headers in [[], ["Accept: */*"], ["Accept: application/json"], ["Accept: text/htmlx"]] {
            #expect(try api.answer("GET", "/", headers: headers).text == #"{"name":"swiftnet","status":"alive"}"#)
        }
        #expect(try api.answer("POST", "/", headers: Self.html).status == .methodNotAllowed)
    }

    @Test(arguments: ["/"] + files.map { "/page/" + $0 })
    func eachFileTellsWhatItMayDoAndItsName(path: String) throws {
        let answer = try api.answer("GET", path, headers: Self.html)
        #expect(answer.status == .ok)
        #expect(!answer.body.isEmpty)
        let policy = try #require(answer.header("Content-Security-Policy"))
        #expect(policy.hasPrefix("default-src 'none'; script-src 'self'; style-src 'self'; "))
        #expect(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"))
        #expect(answer.header("X-Content-Type-Options") == "nosniff")
        let tag = try #require(answer.header("ETag"))
        for known in [tag, "W/\(tag)", "\"other\", \(tag)", "*"] {
            let second = try api.answer("GET", path, headers: Self.html + ["If-None-Match: \(known)"])
            #expect(second.status == .notModified)
            #expect(second.body.isEmpty)
            #expect(second.header("ETag") == tag)
        }
        #expect(try api.answer("GET", path, headers: Self.html + ["If-None-Match: \"other\""]).status == .ok)
    }

    @Test func theDocumentNamesOwnFilesOnly() throws {
        let page = try api.answer("GET", "/", headers: Self.html).text
        let named = page.split(separator: "\"").filter { $0.hasPrefix("/page/") }.map { String($0.dropFirst(6)) }
        #expect(!named.isEmpty)
        #expect(named.allSatisfy(Self.files.contains))
        #expect(!page.contains("<style") && !page.contains(" style=") && !page.contains("onclick"))
    }

    @Test func withoutThePageThereIsNothing() throws {
        let api = try API.stub { $0.hasPage = false }
        for path in ["/"] + Self.files.map({ "/page/" + $0 }) {
            let answer = try api.answer("GET", path, headers: Self.html)
            #expect(answer.status == .notFound)
            #expect(answer.text.contains("--no-page"))
        }
        #expect(try api.answer("GET", "/").status == .ok)
    }

    @Test func thePageNeedsNoKeyButAnOwnName() throws {
        let api = try API.stub { $0.keys = try? APIKeys(Array("a-key-of-16-bytes-and-more\n".utf8)) }
        #expect(try api.answer("GET", "/", headers: Self.html).status == .ok)
        #expect(try api.answer("GET", "/page/app.js").status == .ok)
        #expect(try api.answer("POST", "/predict/digits", text: "x").status == .unauthorized)
        #expect(try api.answer("GET", "/", host: "evil.example.org", headers: Self.html).status == .forbidden)
        #expect(try api.answer("GET", "/page/app.js", host: "evil.example.org").status == .forbidden)
        #expect(
            try api.answer("GET", "/page/app.js", headers: ["Origin: https://evil.example.org"]).status == .forbidden)
    }

    @Test func thereIsNoOtherFile() throws {
        for path in ["/page", "/page/", "/page/index.html", "/page/app.js/x", "/app.js"] {
            #expect(try api.answer("GET", path).status == .notFound)
        }
    }

    @Test func aPredictionShowsWhatTheNetworkSees() throws {
        let type = ["Content-Type: image/png"]
        let answer = try api.answer("POST", "/predict/digits?prepared=true", headers: type, body: [5])
        #expect(answer.text.hasSuffix(#""prepared":"data:image/png;base64,BQ=="}"#))
        #expect(!(try api.answer("POST", "/predict/digits", headers: type, body: [5]).text.contains("prepared")))
        for query in ["prepared=1", "prepared="] {
            #expect(
                try api.answer("POST", "/predict/digits?\(query)", headers: type, body: [5]).status == .badRequest)
        }
        let two = #"{"images": ["BQ==", "Bg=="]}"#
        #expect(try api.answer("POST", "/predict/digits?prepared=true", text: two).status == .badRequest)
    }

    @Test func theConfigurationTellsTheTask() throws {
        let text = try api.answer("GET", "/v2/models/digits/config").text
        #expect(text.contains(#""parameters":{"task":{"string_value":"digits"}}"#))
    }

    @Test func theMetricsTellTheMode() throws {
        let api = try API.stub { $0.layout = ("thread", 3) }
        let text = try api.answer("GET", "/metrics").text
        #expect(text.contains("swiftnet_info{version=\"\(API.version)\",mode=\"thread\"} 1\n"))
        #expect(text.contains("swiftnet_worker_threads 3\n"))
    }
}
