// SPDX-License-Identifier: MIT

import HTTP
import Testing
import Text

@Suite struct RequestTargetTests {
    private func target(_ text: String, method: String = "GET") throws -> RequestTarget {
        try RequestTarget(Array(text.utf8)[...], method: ByteText(method))
    }

    @Test func splitsAndDecodesOnce() throws {
        let target = try target("/v2/models/a%20b%2525/infer/?x=%41&y")
        #expect(target.path == "/v2/models/a%20b%2525/infer/")
        #expect(target.segments == ["v2", "models", "a b%25", "infer"])
        #expect(target.query == "x=%41&y")
        #expect(try self.target("/").segments == [])
        #expect(try self.target("/a//b").segments == ["a", "", "b"])
    }

    @Test(arguments: [
        "/..", "/a/../b", "/%2e%2e/b", "/.", "/a%2Fb", "/a%2fb", "/a%5cb", "/a\\b", "/%00", "/a%0d%0a", "/%7F", "/%",
        "/%4", "/%GG", "/%+4", "/%FF",
        "/a#b", "a/b", "//\u{1}", "/é", "ftp://a/", "http:///x",
    ])
    func refusesTargetsThatCouldMeanSomethingElse(text: String) {
        #expect(throws: HTTPError.invalidTarget) { try target(text) }
    }

    @Test func takesAnAbsoluteTargetWhoseHostAgrees() throws {
        let stream = ParsedStream("GET HTTP://A:80/x?y HTTP/1.1\r\nHost: a:80\r\n\r\n")
        #expect(stream.heads.first?.target.segments == ["x"])
        #expect(try target("http://a").path == "/")
        #expect(try target("http://a?q").query == "q")
        #expect(ParsedStream("GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n").error == .invalidHeader(name: "host"))
    }

    @Test func allowsTheAsteriskForOptionsAndTheAuthorityForConnect() throws {
        #expect(try target("*", method: "OPTIONS").path == "*")
        #expect(throws: HTTPError.invalidTarget) { try target("*") }
        #expect(try target("a:443", method: "CONNECT").authority == "a:443")
        #expect(throws: HTTPError.invalidTarget) { try target("a:443") }
        #expect(throws: HTTPError.invalidTarget) { try target("/x", method: "CONNECT") }
    }
}
