// SPDX-License-Identifier: MIT

import HTTP
import Testing
import Text

@Suite struct MultipartFormTests {
    private func parts(_ text: String, boundary: String = "X") throws -> [(part: MultipartForm.Part, content: String)] {
        let body = Array(text.utf8)
        let type = try #require(MediaType(ByteText("multipart/form-data; boundary=\"\(boundary)\"")))
        return try MultipartForm(body, contentType: type).parts.map {
            ($0, String(decoding: body[$0.content], as: UTF8.self))
        }
    }

    private let head =
        "Content-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n"

    @Test func splitsParts() throws {
        let parts = try parts(
            "preamble\r\n--X\r\n\(head)\r\n--Y\r\n--X  \r\nContent-Disposition: form-data; name=b\r\n\r\n\r\n--X--\r\nepilogue"
        )
        #expect(parts.map(\.content) == ["\r\n--Y", ""])
        #expect(parts.map(\.part.name) == ["image", "b"])
        #expect(parts[0].part.fileName == "a.png")
        #expect(parts[0].part.contentType?.essence == "image/png")
        #expect(parts[1].part.fileName == nil)
    }

    @Test func takesAFormWithoutPreamble() throws {
        #expect(try parts("--X\r\n\(head)abc\r\n--X--").map(\.content) == ["abc"])
        #expect(try parts("--X--").isEmpty)
    }

    @Test(arguments: [
        "", "abc", "--Y\r\n", "--X", "--X\r\n", "--X\r\nabc",
        "--X\r\nContent-Disposition: form-data; name=a\r\n\r\nabc",
        "--X\r\nX: y\r\n\r\nabc\r\n--X--", "--X\r\n\r\nabc\r\n--X--", "--Xabc\r\n\r\n--X--",
        "--X\r\nContent-Disposition: form-data; name=a\r\n--X--",
        "--X\r\nContent-Disposition: attachment; name=a\r\n\r\nabc\r\n--X--",
    ])
    func refusesBrokenForms(text: String) {
        #expect(throws: HTTPError.self) { try parts(text) }
    }

    @Test func limitsPartsAndTheirHeaders() {
        let part = "--X\r\n\(head)a\r\n"
        #expect(throws: Never.self) { try parts(String(repeating: part, count: 64) + "--X--") }
        #expect(throws: HTTPError.malformedForm("it has more than 64 parts")) {
            try parts(String(repeating: part, count: 65) + "--X--")
        }
        let long = "X: " + String(repeating: "y", count: 4096) + "\r\n"
        #expect(throws: HTTPError.self) { try parts("--X\r\n\(long)\(head)a\r\n--X--") }
    }

    @Test(arguments: ["", String(repeating: "b", count: 71)])
    func refusesBoundariesOfTheWrongLength(boundary: String) {
        #expect(throws: HTTPError.malformedForm("its boundary must have 1 to 70 characters")) {
            try parts("--\(boundary)--", boundary: boundary)
        }
    }

    @Test func readsMediaTypes() {
        let type = MediaType("Text/HTML; Charset=\"a\\\"b\"; q=0.5;")
        #expect(type?.essence == "text/html")
        #expect(type?.parameters == ["charset": "a\"b", "q": "0.5"])
        for text in ["", "a", "a/", "a/b c", "a/b; c", "a/b; c=\"", "a/b, c/d"] {
            #expect(MediaType(ByteText(text)) == nil)
        }
    }
}
