// SPDX-License-Identifier: MIT

import JSON
import Testing

@Suite struct Base64Tests {
    /// - Source: RFC 4648, section 10.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ])
    func encodesAsTheStandardHasIt(plain: String, text: String) {
        #expect(base64Encoded(Array(plain.utf8)) == Array(text.utf8))
        #expect(base64Decoded(text.utf8) == Array(plain.utf8))
    }

    @Test func everyByteComesBack() {
        for count in 250...258 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 97) }
            #expect(base64Decoded(base64Encoded(bytes)) == bytes)
        }
    }

    private let bytes = (0..<100).map { UInt8(truncatingIfNeeded: $0 &* 97 &+ 5) }

    @Test func lineEndsMayStandAnywhere() {
        for count in 90...93 {
            let text = base64Encoded(Array(bytes.prefix(count)))
            for place in 0...text.count {
                let broken = text[..<place] + [0x0D, 0x0A] + text[place...]
                #expect(base64Decoded(broken) == Array(bytes.prefix(count)))
            }
        }
    }

    @Test(arguments: [0x00, 0x20, 0x2C, 0x3D, 0x5E, 0x80, 0xFF] as [UInt8])
    func whatIsNoDigitIsRefusedAnywhere(byte: UInt8) {
        let text = base64Encoded(Array(bytes.prefix(90)))
        for place in 0..<text.count {
            var broken = text
            broken[place] = byte
            // Padding belongs at the end.
            let isPadding = byte == UInt8(ascii: "=") && place == text.count - 1
            #expect((base64Decoded(broken) == nil) == !isPadding)
        }
    }

    @Test func textThatDoesNotLieInOnePieceIsDecodedToo() {
        let text = base64Encoded(bytes)
        #expect(base64Decoded(AnySequence(text)) == bytes)
        #expect(base64Decoded(text.lazy.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: "-") : $0 }) == bytes)
    }
}
