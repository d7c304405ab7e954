// SPDX-License-Identifier: MIT

import HTTP
import Testing

@Suite struct ResponseTests {
    private func encoded(
        _ response: Response, isHead: Bool = false, keepsAlive: Bool = true, version: RequestHead.Version = .http11
    )
        -> String
    {
        var output: [UInt8] = []
        response.encode(into: &output, isHead: isHead, keepsAlive: keepsAlive, version: version, date: "D")
        return String(decoding: output, as: UTF8.self)
    }

    @Test func writesStatusHeadersLengthAndBody() {
        var response = Response(.ok, contentType: "text/plain", body: Array("hi".utf8))
        response.add("X-Y", "z")
        #expect(
            encoded(response)
                == "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Type: text/plain\r\nX-Y: z\r\nContent-Length: 2\r\n\r\nhi")
    }

    @Test func headKeepsTheLengthAndDropsTheBody() {
        let text = encoded(Response(.ok, body: Array("hi".utf8)), isHead: true)
        #expect(text.hasSuffix("Content-Length: 2\r\n\r\n"))
    }

    @Test func saysWhetherTheConnectionStays() {
        var response = Response(.ok)
        #expect(!encoded(response).contains("Connection"))
        #expect(encoded(response, version: .http10).contains("Connection: keep-alive\r\n"))
        #expect(encoded(response, keepsAlive: false).contains("Connection: close\r\n"))
        response.closesConnection = true
        #expect(encoded(response, version: .http10).contains("Connection: close\r\n"))
    }

    @Test func noValueCanAddAHeader() {
        var response = Response(.ok)
        response.add("X-Request-Id", "a\r\nSet-Cookie: b\u{0}é")
        #expect(response.headers.last?.value == "a??Set-Cookie: b???")
    }

    @Test(arguments: [
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
    ])
    func formatsDates(seconds: Int, expected: String) {
        #expect(httpDate(secondsSince1970: seconds) == expected)
    }
}
