// SPDX-License-Identifier: MIT

import SystemCalls
import TestSupport
import Testing

@Suite("Names of files as bytes")
struct PathTextTests {
    private static let names: [[UInt8]] = [
        Array("plain.png".utf8), Array("caf\u{E9}.png".utf8), [0x63, 0x61, 0x66, 0xE9, 0x2E, 0x70, 0x6E, 0x67],
        [0xFF], [0xC3], [0xE2, 0x82], [0xF0, 0x9F, 0x98], [0xC0, 0xAF], [0xED, 0xA0, 0x80],
        [0x80, 0x61, 0xC3, 0xA9, 0xFE],
        // The scalars that stand for such bytes are no exception.
        Array("\u{10FEE9}".utf8), Array("a\u{10FE80}".utf8) + [0xE9],
    ]

    @Test("every name becomes text and the same bytes again", arguments: names)
    func roundTrips(name: [UInt8]) {
        #expect(PathText.bytes(of: PathText.text(name)) == name)
    }

    @Test("all pairs of bytes do so, and no two become the same text")
    func allPairs() {
        var texts: Set<[UInt8]> = []
        for first in UInt8.min...UInt8.max {
            for second in stride(from: 0, through: 255, by: 5) {
                let name = [first, UInt8(second)]
                let text = PathText.text(name)
                #expect(PathText.bytes(of: text) == name)
                texts.insert(Array(text.utf8))
            }
        }
        #expect(texts.count == 256 * 52)
    }

    @Test("people see such a byte as its number")
    func shows() {
        #expect(PathText.shown(PathText.text([0x61, 0xE9, 0x2E])) == "a\\xE9.")
        #expect(PathText.shown("caf\u{E9}") == "caf\u{E9}")
    }

    @Test("parts of paths are found by bytes, even where a name begins with a mark that joins the slash")
    func splits() {
        #expect(PathText.lastComponent("a/b/c.png") == "c.png")
        #expect(PathText.lastComponent("a/b/") == "b")
        #expect(PathText.lastComponent("c.png") == "c.png")
        #expect(Array(PathText.lastComponent("a/\u{301}c").utf8) == Array("\u{301}c".utf8))
        #expect(PathText.joined("a", "b") == "a/b")
        #expect(PathText.joined("a/", "b") == "a/b")
    }

    @Test("files with such names are made, listed, read, and replaced")
    func works() throws {
        let folder = try TemporaryFolder()
        let name = PathText.text([0xE9, 0x2E, 0x70])
        for bytes: [UInt8] in [[1, 2], [3]] {
            let file = try FileWriter(replacing: folder.path("") + "/" + name)
            try file.write(bytes)
            try file.finish()
            #expect(try FileSystem.names(in: folder.path("")) == [name])
            #expect(try FileDescriptor.openRegular(folder.path("") + "/" + name).readAll(limit: 9) == bytes)
        }
    }
}
