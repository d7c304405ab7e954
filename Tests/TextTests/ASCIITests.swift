// SPDX-License-Identifier: MIT

import Testing
import Text

@Suite("ASCII")
struct ASCIITests {
    @Test("the classes of bytes begin and end where the grammars say")
    func classes() {
        let all = UInt8.min...UInt8.max
        #expect(all.filter(ASCII.isVisible) == Array(0x21...0x7E))
        #expect(all.filter(ASCII.isPrintable) == Array(0x20...0x7E))
        #expect(all.filter(ASCII.isControl) == Array(0x00...0x1F) + [0x7F])
        #expect(all.filter(ASCII.isFieldValue) == [0x09] + Array(0x20...0x7E) + Array(0x80...0xFF))
    }
}
