// SPDX-License-Identifier: MIT

import HTTP
import SystemCalls
import TestSupport
import Testing
import Transport

/// What clients of HTTP/2 can do to hurt a server: it ends their stream or their connection, and everyone else is answered.
@Suite struct ServerHTTP2AttackTests {
    private typealias Client = HTTP2Client

    /// The code of "calm down", and of a broken rule.
    private let calm: UInt32 = 11
    private let broken: UInt32 = 1

    /// Attacks a server on one connection while another is asked.
    private func attack(
        _ change: (inout TransportLimits) -> Void = { _ in }, settings: [(id: UInt16, value: UInt32)] = [],
        _ body: (HTTP2Client, RunningServer) throws -> Void
    ) throws {
        try withServer(change) { server in
            let bystander = try server.connectHTTP2()
            #expect(try bystander.ask(1, "POST", "/inference", body: Array(RunningServer.digit.utf8)).text == "7")
            try body(try server.connectHTTP2(settings: settings), server)
            #expect(try bystander.ask(3, "POST", "/inference", body: Array(RunningServer.digit.utf8)).text == "7")
            #expect(try server.connect().ask("POST", "/inference", text: RunningServer.digit).text == "7")
        }
    }

    /// Sends the same many times, and expects the connection to be ended.
    private func flood(
        _ client: HTTP2Client, _ code: UInt32? = nil, count: Int = 4000, _ frame: (Int) -> [UInt8]
    ) {
        for start in stride(from: 0, to: count, by: 100) {
            let frames = (start..<(start + 100)).flatMap(frame)
            // Whoever has closed takes no more.
            if (try? client.send(frames)) == nil { break }
        }
        #expect(client.isClosedByServer())
        // What the server still wrote may be lost where it was closed with unread bytes; if it came, it says why.
        if let code, let said = client.goAwayCode { #expect(said == code) }
    }

    @Test func compressedHeadersAreCountedUncompressed() throws {
        try attack { client, _ in
            // A field of 3,900 bytes that the table keeps, and a byte for each repetition.
            let value = [UInt8](repeating: UInt8(ascii: "x"), count: 3900)
            let literal: [UInt8] = [0x40, 1, UInt8(ascii: "a"), 0x7F, 0xBD, 0x1D] + value
            let head = HTTP2Client.block(HTTP2Client.fields("GET", "/v2"))
            func request(_ stream: UInt32, _ repetitions: Int) -> [UInt8] {
                let table = stream == 1 ? literal : []
                return Client.frame(
                    1, flags: 5, stream: stream,
                    payload: head + table + [UInt8](repeating: 0xBE, count: repetitions))
            }
            try client.send(request(1, 2))
            #expect(try client.answer(1).status == 200)
            try client.send(request(3, 10))
            #expect(try client.answer(3).status == 431)
            try client.send(request(5, 16_000))
            #expect(client.isClosedByServer())
            #expect(client.goAwayCode == calm)
        }
    }

    @Test func aStreamWhoseWindowStaysShutIsEnded() throws {
        try attack({ $0.writeStall = .milliseconds(400) }, settings: [(4, 0)]) { client, _ in
            try client.request(1, "GET", "/openapi.json")
            let answer = try client.answer(1)
            #expect(answer.status == 200 && answer.body.isEmpty && answer.reset == 8)
            // The connection serves on: an answer without a body needs no window.
            #expect(try client.ask(3, "HEAD", "/v2").status == 200)
        }
    }

    @Test func aStreamWhoseWindowIsOpenedByTheByteIsEnded() throws {
        try attack(
            { limits in
                limits.rateGrace = .milliseconds(500)
                limits.minBytesPerSecond = 1000
            }, settings: [(4, 0)]
        ) { client, _ in
            try client.request(1, "GET", "/openapi.json")
            var count = 0
            while count < 100, try client.next().map({ $0.type != Client.reset }) ?? false {
                count += 1
                try client.send(Client.frame(Client.windowUpdate, stream: 1, payload: Client.bytes(1)))
                SystemClock.sleep(milliseconds: 50)
            }
            #expect(count < 100)
        }
    }

    @Test func aStreamOfMessagesWhoseAnswersPileUpIsEnded() throws {
        try attack({ $0.writeStall = .milliseconds(600) }, settings: [(4, 0)]) { client, _ in
            try client.request(
                1, "POST", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
                headers: [("content-type", "application/grpc"), ("te", "trailers")], ends: false)
            for _ in 0..<4 {
                try client.send(Client.frame(0, stream: 1, payload: GRPCWeb.frame([0x3A, 0])))
                SystemClock.sleep(milliseconds: 250)
            }
            let answer = try client.answer(1)
            #expect(answer.status == 200 && answer.body.isEmpty && answer.reset == 8)
        }
    }

    @Test func aConnectionWhoseWindowStaysShutIsEnded() throws {
        try attack({ $0.writeStall = .milliseconds(400) }, settings: [(4, 1 << 30)]) { client, _ in
            client.opensWindows = false
            try client.request(1, "POST", "/rotate", body: [UInt8](repeating: 1, count: 200_000))
            #expect(client.isClosedByServer())
            #expect(try client.answer(1).body.count == 65_535)
        }
    }

    @Test func unfinishedBodiesHaveALimitTogether() throws {
        try attack({ $0.maxBufferedBytes = 2 << 20 }) { client, server in
            // Of 2 MiB, one connection has a quarter.
            for index in 0..<10 {
                try client.request(
                    UInt32(1 + 2 * index), "POST", "/inference", body: [UInt8](repeating: 32, count: 100_000),
                    ends: false)
            }
            #expect(server.eventually { $0.responses(.inference, status: 503) == 5 })
            #expect(try client.ask(21, "POST", "/inference", body: Array(RunningServer.digit.utf8)).text == "7")
        }
    }

    @Test func aBodyThatTricklesInIsEnded() throws {
        try attack({ limits in
            limits.rateGrace = .milliseconds(300)
            limits.minBytesPerSecond = 1_000_000
        }) { client, _ in
            try client.request(1, "POST", "/inference", body: [1, 2, 3], ends: false)
            #expect(try client.answer(1).status == 408)
        }
    }

    @Test func aHeadThatTricklesInEndsItsConnection() throws {
        try attack({ $0.headerTime = .milliseconds(300) }) { client, _ in
            // Settings must be acknowledged before: a header block is not interrupted.
            #expect(try client.ask(1, "GET", "/v2").status == 200)
            try client.send(Client.frame(1, stream: 3, payload: Client.block(Client.fields("GET", "/v2"))))
            #expect(client.isClosedByServer())
            #expect(client.goAwayCode == nil)
        }
    }

    @Test func continuationsHaveALimit() throws {
        try attack { client, _ in
            #expect(try client.ask(1, "GET", "/v2").status == 200)
            try client.send(Client.frame(1, stream: 3, payload: Client.block(Client.fields("GET", "/v2"))))
            flood(client, calm) { _ in Client.frame(Client.continuation, stream: 3) }
        }
    }

    @Test(arguments: [true, false]) func settingsAndPingsHaveALimit(isReading: Bool) throws {
        try attack { client, _ in
            if isReading {
                // Each is answered; the budget of frames ends it.
                for _ in 0..<4000 {
                    guard
                        (try? client.send(Client.frame(Client.ping, payload: [UInt8](repeating: 1, count: 8)))) != nil,
                        (try? client.next()) != nil
                    else { break }
                }
                #expect(client.isClosedByServer())
            } else {
                flood(client, calm) { _ in Client.frame(Client.ping, payload: [UInt8](repeating: 1, count: 8)) }
            }
        }
        try attack { client, _ in
            flood(client, calm) { _ in Client.frame(Client.settings, payload: [0, 4, 0, 1, 0, 0]) }
        }
    }

    @Test func rapidResetsHaveALimit() throws {
        try attack { client, server in
            flood(client) { index in
                let stream = UInt32(1 + 2 * index)
                return Client.frame(1, flags: 5, stream: stream, payload: Client.block(Client.fields("GET", "/v2")))
                    + Client.frame(Client.reset, stream: stream, payload: Client.bytes(8))
            }
        }
    }

    @Test(arguments: [0, 2, 8, 99] as [UInt8]) func framesThatBringNothingHaveALimit(type: UInt8) throws {
        try attack { client, _ in
            try client.request(1, "POST", "/inference", ends: false)
            let payload: [UInt8] =
                switch type {
                case 2: [0, 0, 0, 0, 1]
                case 8: Client.bytes(1)
                default: []
                }
            flood(client, calm) { _ in Client.frame(type, stream: type == 2 ? 3 : 1, payload: payload) }
        }
    }

    @Test func moreStreamsThanTheLimitAreRefused() throws {
        try withServer(milliseconds: 100) { server in
            let client = try server.connectHTTP2()
            for stream in 0..<120 { try client.request(UInt32(1 + 2 * stream), "POST", "/inference", ends: false) }
            // Refused, so that the client knows that it may ask again; or, once it has acknowledged the limit, broken off.
            let last = try? client.answer(239)
            #expect(last?.reset == 7 || client.goAwayCode != nil)
            #expect(try server.connect().ask("GET", "/v2").status == 200)
        }
    }

    @Test func brokenRulesEndTheConnectionWithTheirCode() throws {
        let cases: [(name: String, frames: [UInt8], codes: Set<UInt32>)] = [
            (
                "33 settings", Client.frame(4, payload: (0..<33).flatMap { _ in [0, 3, 0, 0, 0, 1] as [UInt8] }),
                [11, 1]
            ),
            ("a window update of 0", Client.frame(8, payload: Client.bytes(0)), [1]),
            ("a window above 2^31-1", Client.frame(8, payload: Client.bytes(0x7FFF_FFFF)), [3]),
            ("DATA on stream 0", Client.frame(0, payload: [1]), [1]),
            (
                "an even stream",
                Client.frame(1, flags: 5, stream: 2, payload: Client.block(Client.fields("GET", "/"))), [1]
            ),
            ("a frame above 16 KiB", Client.frame(0, stream: 1, payload: [UInt8](repeating: 0, count: 16_385)), [6]),
            ("a PING of 7 bytes", Client.frame(6, payload: [UInt8](repeating: 0, count: 7)), [6]),
            (
                "headers that can't be unpacked",
                Client.frame(1, flags: 5, stream: 1, payload: [0xFF, 0xFF, 0xFF, 0xFF, 0xFF]), [9]
            ),
            ("a continuation of nothing", Client.frame(9, flags: 4, stream: 1), [1]),
            ("a push", Client.frame(5, flags: 4, stream: 1, payload: [0, 0, 0, 2]), [1]),
            ("DATA on a stream that never was", Client.frame(0, stream: 1, payload: [1]), [1, 5]),
        ]
        try withServer { server in
            for (name, frames, codes) in cases {
                let client = try server.connectHTTP2()
                try client.send(frames)
                #expect(client.isClosedByServer(), "\(name)")
                #expect(
                    client.goAwayCode.map(codes.contains) == true, "\(name): \(String(describing: client.goAwayCode))")
            }
            #expect(try server.connect().ask("GET", "/v2").status == 200)
        }
    }
}
