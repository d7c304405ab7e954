// SPDX-License-Identifier: MIT

import GRPC
import HTTP
import Protocols
import TestSupport
import Testing

@Suite struct GRPCCallTests {
    private func head(_ headers: [String]) throws -> RequestHead {
        let lines = ["POST /a/b HTTP/1.1", "Host: a"] + headers
        return try RequestHead(
            parsing: Array((lines.joined(separator: "\r\n") + "\r\n").utf8), limits: HTTPLimits())
    }

    private func call(_ headers: String...) throws -> GRPCCall {
        let head = try head([GRPCWeb.contentType] + headers)
        return try GRPCCall(head, #require(GRPCWire(head.headers)))
    }

    private func refusal(_ body: () throws -> Void) -> HTTPStatus? {
        do {
            try body()
            return nil
        } catch {
            return (error as? RequestRefusal)?.status
        }
    }

    // MARK: Headers

    @Test(arguments: [
        ("application/grpc", GRPCWire.http2), ("application/grpc+proto", .http2), ("Application/GRPC; a=b", .http2),
        ("application/grpc-web", .web), ("application/grpc-web+proto", .web), ("application/grpc-web ;a", .web),
        ("application/grpc-web-text", nil), ("application/grpc+json", nil), ("application/grp", nil),
        ("application/grpcx", nil), ("application/json", nil),
    ])
    func theContentTypeNamesTheForm(type: String, wire: GRPCWire?) throws {
        #expect(GRPCWire(try head(["Content-Type: \(type)"]).headers) == wire)
    }

    @Test func gRPCItselfWantsHTTP2() throws {
        let head = try head(["Content-Type: application/grpc"])
        #expect(refusal { _ = try GRPCCall(head, .http2) } == .unsupportedMediaType)
    }

    @Test(arguments: [
        ("1H", 3_600_000_000_000), ("2M", 120_000_000_000), ("3S", 3_000_000_000), ("4m", 4_000_000), ("5u", 5000),
        ("6n", 6), ("0n", 0), ("99999999n", 99_999_999),
    ])
    func timeoutsHaveUnits(text: String, nanoseconds: UInt64) throws {
        #expect(try call("grpc-timeout: \(text)").timeoutNanoseconds == nanoseconds)
    }

    /// Nobody waits for centuries; the number must not overflow either.
    @Test func theLongestTimeoutIsTaken() throws {
        let timeout = try #require(try call("grpc-timeout: 99999999H").timeoutNanoseconds)
        #expect(timeout == 31_536_000_000_000_000)
        #expect(try call().timeoutNanoseconds == nil)
    }

    @Test(arguments: ["", "H", "1", "1s", "123456789n", "-1S", "+1S", "1 S", "1SS", "0x1S", "1.5S", "١S"])
    func refusesOtherTimeouts(text: String) {
        #expect(refusal { _ = try call("grpc-timeout: \(text)") } == .badRequest)
    }

    // MARK: Frames

    @Test func framesAreSplit() throws {
        let messages = try call().messages(
            in: GRPCWeb.frame([1, 2]) + GRPCWeb.frame([]) + GRPCWeb.frame([3]), maxBytes: 100)
        #expect(messages.map(Array.init) == [[1, 2], [], [3]])
        #expect(try call().messages(in: [], maxBytes: 100).isEmpty)
    }

    @Test(
        arguments: [
            [0], [0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0xFF, 0xFF, 0xFF, 0xFF, 1], [0x80, 0, 0, 0, 0], [2, 0, 0, 0, 0],
            [0, 0, 0, 0, 0, 0],
        ] as [[UInt8]])
    func refusesOtherBytes(body: [UInt8]) {
        #expect(refusal { _ = try call().messages(in: body, maxBytes: 100) } == .badRequest)
    }

    @Test func aCallOfOneMessageHasOne() {
        #expect(refusal { _ = try call().message(in: [], maxBytes: 100) } == .badRequest)
        #expect(
            refusal { _ = try call().message(in: GRPCWeb.frame([]) + GRPCWeb.frame([]), maxBytes: 100) } == .badRequest)
    }

    // MARK: Compression

    /// `gzip.compress(bytes(100), mtime=0)` of Python.
    private static let gzipped: [UInt8] = [
        0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 2, 3, 99, 96, 160, 61, 0, 0, 202, 198, 136, 153, 100, 0, 0, 0,
    ]

    @Test func compressedMessagesAreRead() throws {
        let gzip = try call("grpc-encoding: gzip")
        let body = GRPCWeb.frame([7]) + GRPCWeb.frame(Self.gzipped, flags: 1)
        #expect(
            try gzip.messages(in: body, maxBytes: 101).map(Array.init)
                == [[7], Array(repeating: 0, count: 100)])
        // All messages of a body share the limit.
        #expect(refusal { _ = try gzip.messages(in: body, maxBytes: 100) } == .contentTooLarge)
        let twice = GRPCWeb.frame(Self.gzipped, flags: 1) + GRPCWeb.frame(Self.gzipped, flags: 1)
        #expect(refusal { _ = try gzip.messages(in: twice, maxBytes: 199) } == .contentTooLarge)
        #expect(refusal { _ = try gzip.message(in: GRPCWeb.frame([1, 2], flags: 1), maxBytes: 100) } == .badRequest)
    }

    @Test func theEncodingMustBeKnownAndNamed() throws {
        #expect(refusal { _ = try call("grpc-encoding: br") } == .notImplemented)
        let plain = try call("grpc-encoding: identity")
        #expect(
            refusal { _ = try plain.message(in: GRPCWeb.frame(Self.gzipped, flags: 1), maxBytes: 1000) } == .badRequest)
    }
}
