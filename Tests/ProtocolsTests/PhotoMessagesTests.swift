// SPDX-License-Identifier: MIT

import Protobuf
import Protocols
import Testing

@Suite struct PhotoMessagesTests {
    private func image(_ content: [UInt8]) throws -> [UInt8] {
        var message = ProtobufWriter()
        message.write(1, bytes: content)
        return try PhotoMessages.image(of: message.bytes[...])
    }

    @Test func imagesComeAsBytesOrBase64() throws {
        let jpeg: [UInt8] = [0xFF, 0xD8, 0xFF, 0xE0, 65, 65]
        #expect(try image(jpeg) == jpeg)
        #expect(try image(Array("/9j/4EFB".utf8)) == jpeg)
        #expect(try image(Array("/9j/\n4EFB\n".utf8)) == jpeg)
        #expect(try image(Array("data:image/jpeg;base64,/9j/4EFB".utf8)) == jpeg)
        #expect(try image([]) == [])
        #expect(try PhotoMessages.image(of: []) == [])
        #expect(try image(Array("no picture!".utf8)) == Array("no picture!".utf8))
        #expect(throws: ProtobufError.self) { try PhotoMessages.image(of: [0x0A, 5]) }
        #expect(throws: ProtobufError.self) { try PhotoMessages.image(of: [0x08, 5]) }
    }

    @Test func namesAndNumbersAreRead() throws {
        #expect(try PhotoMessages.path(of: [0x0A, 1, 97]) == "a")
        #expect(try PhotoMessages.path(of: []) == "")
        #expect(throws: ProtobufError.self) { try PhotoMessages.path(of: [0x0A, 1, 0xFF]) }
        #expect(try PhotoMessages.version(of: [0x08, 7]) == 7)
        #expect(try PhotoMessages.version(of: []) == 0)
    }

    /// As protoc's own code writes them.
    @Test func resultsHaveThePublishedFields() {
        #expect(
            PhotoMessages.result(modelDegree: 360, exifDegree: 90, confidence: 0.5)
                == [0x08, 0xE8, 0x02, 0x10, 90, 0x1D, 0, 0, 0, 0x3F, 0x20, 1])
        #expect(
            PhotoMessages.info(
                ModelVersion(number: 2, file: "m", trainAccuracy: 0.5, testAccuracy: nil), isUsing: true)
                == [0x08, 2, 0x12, 1, 50, 0x1D, 0, 0, 0, 0x3F, 0x2A, 1, 109, 0x30, 1])
    }
}
