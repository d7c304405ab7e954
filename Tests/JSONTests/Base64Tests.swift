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
}
