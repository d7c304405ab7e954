// SPDX-License-Identifier: MIT

import Testing
import Text

@Suite struct ByteTextTests {
    /// Pairs that Swift's `String` takes for equal, as they are or in lower case.
    @Test(arguments: [
        ("K", "\u{212A}"), ("k", "\u{212A}"), (";", "\u{37E}"), ("`", "\u{1FEF}"), ("\u{E9}", "e\u{301}"),
        ("\u{C5}", "\u{212B}"), ("s", "\u{17F}"), ("i\u{307}", "\u{130}"),
    ])
    func textIsEqualOnlyByteForByte(left: String, right: String) {
        #expect(ByteText(left) != ByteText(right))
        #expect(ByteText(left).lowercased != ByteText(right).lowercased)
        #expect(Set([ByteText(left), ByteText(right)]).count == 2)
        #expect(!haveSameBytes(left, right))
        #expect(ByteText(right) == ByteText(right) && ByteText(left).hashValue == ByteText(left).hashValue)
    }

    @Test func onlyASCIIHasCases() {
        #expect(ByteText("CHUNKED\u{C9}").lowercased == "chunked\u{C9}")
        #expect(ByteText("Chunked").equals(ignoringCase: "chunked"))
        #expect(!ByteText("chun\u{212A}ed").equals(ignoringCase: "chunked"))
        #expect(!ByteText("chunked ").equals(ignoringCase: "chunked"))
        #expect(!ByteText("[").equals(ignoringCase: "{"))
    }

    @Test func aPrefixIsOneOfBytes() {
        #expect(ByteText("data:\u{301},x").hasPrefix("data:"))
        #expect(!"data:\u{301},x".hasPrefix("data:"), "the type would not be needed")
        #expect(!ByteText("dat").hasPrefix("data:"))
    }

    @Test func whatIsShownIsShortAndPlain() {
        let accents = ByteText("a" + String(repeating: "\u{301}", count: 1_000_000))
        #expect(accents.string.count == 1)
        #expect("\(accents)".utf8.count <= 110)
        #expect("\(ByteText("a\u{7F}\r\n\u{0}b"))" == "a????b")
        #expect("\(ByteText(String(repeating: "x", count: 100)))".utf8.count == 100)
        #expect(ByteText("abcdef").shown(maxBytes: 3) == "abc...")
    }

    @Test func numbersAreDigitsAlone() {
        #expect(ByteText("007").number(maxDigits: 3) == 7)
        for text in ["", "+1", "-1", "1 ", "1e2", "\u{663}", "1234", "0x1"] {
            #expect(ByteText(text).number(maxDigits: 3) == nil, "\(text)")
        }
        #expect(ByteText("9999999999999999999").number(maxDigits: 19) == nil)
    }

    @Test func splitsAndTrimsBytes() {
        #expect(ByteText("a,,b\u{301}").split(separator: ASCII.comma) == ["a", "", "b\u{301}"])
        #expect(ByteText(",\u{301}").split(separator: ASCII.comma) == ["", "\u{301}"])
        #expect(ByteText(" \ta b\t").trimmed == "a b")
        #expect(ByteText("a b c").split(separator: ASCII.space, maxSplits: 1) == ["a", "b c"])
    }

    @Test func bytesThatAreNotUTF8AreRepairedOrRefused() {
        #expect(ByteText(decoding: [0x61, 0xFF]) == "a\u{FFFD}")
        #expect(ByteText(validating: [0x61, 0xFF]) == nil)
        #expect(ByteText(validating: [0xFF]) == nil)
        #expect(ByteText(validating: [UInt8]()[...]) == "")
        // A letter of two bytes in front of, in and behind what is longer than a short string.
        for length in [1, 15, 16, 40] {
            for place in 0...length {
                var bytes = [UInt8](repeating: 0x61, count: length)
                bytes.insert(contentsOf: [0xC3, 0xA9], at: place)
                #expect(ByteText(validating: bytes[...])?.utf8.elementsEqual(bytes) == true)
                #expect(ByteText(validating: bytes.dropFirst(place))?.utf8.count == length + 2 - place)
                // Each half of it alone is none.
                bytes.remove(at: place)
                #expect(ByteText(validating: bytes[...]) == nil)
            }
        }
    }

    @Test func theSameBytesAreEqualAndNoOthers() {
        for length in [0, 1, 15, 16, 40] {
            let bytes = [UInt8](repeating: 0x61, count: length)
            #expect(ByteText(decoding: bytes) == ByteText(decoding: bytes[...]))
            #expect(ByteText(decoding: bytes).hasPrefix(ByteText(decoding: bytes.dropLast())))
            #expect(ByteText(decoding: bytes) != ByteText(decoding: bytes + [0x61]))
            for place in bytes.indices {
                var other = bytes
                other[place] = 0x62
                #expect(ByteText(decoding: bytes) != ByteText(decoding: other))
                #expect(other.withUnsafeBufferPointer { !ByteText(decoding: bytes).hasBytes($0) })
            }
        }
        // One word of Unicode, spelt in two ways.
        #expect(ByteText("\u{E9}") != ByteText("e\u{301}"))
    }
}
