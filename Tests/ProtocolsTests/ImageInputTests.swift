// SPDX-License-Identifier: MIT

import CZlib
import HTTP
import Protocols
import Testing

@Suite struct ImageInputTests {
    @Test func aFormsFilesHaveBytes() throws {
        func form(_ content: String) throws -> ImageInput {
            try ImageInput(
                Array(
                    "--X\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a\"\r\n\r\n\(content)\r\n--X--"
                        .utf8),
                contentType: "multipart/form-data; boundary=X", maxImages: 1)
        }
        #expect(try form("ab") == .encoded([Array("ab".utf8)], isList: false))
        #expect(throws: RequestRefusal(.badRequest, "a file of the form is empty")) { try form("") }
    }
}
