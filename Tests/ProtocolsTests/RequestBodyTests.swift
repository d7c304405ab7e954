// SPDX-License-Identifier: MIT

import HTTP
import JSON
import Protocols
import Testing

@Suite struct RequestBodyTests {
    /// "Hello, " and "world", each a member of gzip.
    private static let members = [
        "H4sIAAAAAAACA/NIzcnJ11EAAAVvV94HAAAA", "H4sIAAAAAAACAyvPL8pJAQBDEXc6BQAAAA==",
    ].map { base64Decoded($0.utf8) ?? [] }
    private static let zlib = base64Decoded("eJwrzy/KSQEABqYCKQ==".utf8) ?? []

    private func inflated(_ bytes: [UInt8], maxBytes: Int = 100) -> String? {
        (try? RequestBody.inflated(bytes, maxBytes: maxBytes)).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func gzipHasOneMemberOrSeveral() {
        let (first, second) = (Self.members[0], Self.members[1])
        #expect(inflated(first) == "Hello, ")
        #expect(inflated(first + second) == "Hello, world")
        #expect(inflated(first + second + second) == "Hello, worldworld")
        #expect(inflated(first + second, maxBytes: 11) == nil)
        #expect(inflated(first + second, maxBytes: 12) == "Hello, world")
    }

    @Test func whatFollowsIsAnError() {
        let (first, second) = (Self.members[0], Self.members[1])
        #expect(inflated(first + [0x1F]) == nil)
        #expect(inflated(first + [0x1F, 0x8B]) == nil)
        #expect(inflated(first + second.dropLast()) == nil)
        #expect(inflated(first + Self.zlib) == nil)
        #expect(inflated(Self.zlib) == "world")
        #expect(inflated(Self.zlib + first) == nil)
        #expect(inflated(Self.zlib + Self.zlib) == nil)
    }
}
