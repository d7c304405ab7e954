// SPDX-License-Identifier: MIT

import HTTP
import SystemCalls
import TestSupport
import Testing
import Transport

/// Clients, and answers, that take too long, and those that only seem to.
@Suite struct ServerTimeTests {
    @Test func slowHeadersAndBodiesAreEnded() throws {
        try withServer { limits in
            limits.headerTime = .milliseconds(300)
            limits.rateGrace = .milliseconds(300)
            limits.minBytesPerSecond = 1_000_000_000
        } _: { server in
            let silent = try server.connect()
            let headers = try server.connect()
            try headers.send("POST /inference HTTP/1.1\r\nHost: a\r\n")
            let body = try server.connect()
            try body.send("POST /inference HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
            #expect(try headers.answer().status == 408)
            #expect(headers.isClosedByServer())
            #expect(silent.isClosedByServer())
            // The rate is looked at once a whole second has passed.
            #expect(try body.answer().status == 408)
            #expect(body.isClosedByServer())
        }
    }

    @Test func memoryGoesBackOnceAfterATimeWithoutWork() throws {
        try withServer { limits in
            limits.quietTime = .milliseconds(500)
        } _: { server in
            let client = try server.connect()
            func probe() throws {
                try client.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try client.answer().status == 200)
                SystemClock.sleep(milliseconds: 50)
            }
            // The time since the start is one, too.
            for _ in 0..<200 where server.timesGivenBack.value == 0 { try probe() }
            for _ in 0..<2 {
                let before = server.timesGivenBack.value
                let length = RunningServer.digit.utf8.count
                try client.send(
                    "POST /inference HTTP/1.1\r\nHost: a\r\nContent-Length: \(length)\r\n\r\n\(RunningServer.digit)")
                #expect(try client.answer().text == "7")
                // Probes are no work.
                for _ in 0..<200 where server.timesGivenBack.value == before { try probe() }
                #expect(server.timesGivenBack.value > before)
                let after = server.timesGivenBack.value
                for _ in 0..<20 { try probe() }
                #expect(server.timesGivenBack.value == after)
            }
        }
    }

    @Test func headersThatTrickleInAreEndedToo() throws {
        try withServer { limits in
            limits.headerTime = .milliseconds(300)
        } _: { server in
            let client = try server.connect()
            try client.send("GET /healthz HTTP/1.1\r\nX: ")
            var bytes = 0
            while server.fleet.responses(.other, status: 408) == 0, bytes < 100 {
                try client.send("x")
                bytes += 1
                SystemClock.sleep(milliseconds: 50)
            }
            #expect(bytes < 100)
            #expect(try client.answer().status == 408)
        }
    }

    @Test func aBodyThatComesFastEnoughIsAwaited() throws {
        try withServer { limits in
            limits.rateGrace = .milliseconds(300)
            limits.minBytesPerSecond = 100
        } _: { server in
            let body = RunningServer.digit + String(repeating: " ", count: 1000)
            let client = try server.connect()
            try client.send("POST /inference HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n")
            // In two and a half seconds; 250 bytes would do.
            for start in stride(from: 0, to: body.utf8.count, by: 100) {
                try client.send(Array(body.utf8.dropFirst(start).prefix(100)))
                SystemClock.sleep(milliseconds: 250)
            }
            #expect(try client.answer().text == "7")
        }
    }

    @Test func idleConnectionsAreClosed() throws {
        try withServer { limits in
            limits.keepAlive = .milliseconds(200)
        } _: { server in
            let client = try server.connect()
            #expect(try client.ask("GET", "/healthz").status == 200)
            #expect(client.isClosedByServer())
        }
    }

    @Test func anAnswerThatTakesTooLongIsGivenUp() throws {
        try withServer(milliseconds: 2000) { limits in
            limits.answerTime = .milliseconds(300)
        } _: { server in
            let client = try server.connect()
            let answer = try client.ask("POST", "/inference", text: RunningServer.digit)
            #expect(answer.status == 504)
            #expect(client.isClosedByServer())
        }
    }

    private func callPhoto(_ server: RunningServer, timeout: String) throws -> RawClient.Answer {
        try server.connect().ask(
            "POST", "/InferenceImage/Inference", headers: [GRPCWeb.contentType, "grpc-timeout: \(timeout)"],
            body: GRPCWeb.frame([0x0A, 1, 4]))
    }

    /// A client's deadline shortens the server's, and never lengthens it; both are told in the form of the call.
    @Test func aCallsOwnDeadlineIsKept() throws {
        try withServer(milliseconds: 1000) { server in
            let late = try callPhoto(server, timeout: "100m")
            #expect(late.status == 200 && late.headers["content-type"] == "application/grpc-web+proto")
            #expect(GRPCWeb.Answer(late.body)?.status == 4)
            let good = try callPhoto(server, timeout: "9S")
            #expect(GRPCWeb.Answer(good.body)?.status == 0)
            #expect(server.eventually { $0.responses(.grpcPhoto, status: 4) == 1 })
            #expect(server.eventually { $0.responses(.grpcPhoto, status: 0) == 1 })
        }
        try withServer(milliseconds: 1000) { limits in
            limits.answerTime = .milliseconds(100)
        } _: { server in
            let late = try callPhoto(server, timeout: "9S")
            #expect(GRPCWeb.Answer(late.body)?.status == 4)
        }
    }

    @Test func aHalfClosedClientGetsAllItsAnswers() throws {
        try withServer(milliseconds: 100) { server in
            let client = try server.connect()
            let body = #"{"images": [3,0,0,0]}"#
            try client.send(
                "POST /inference HTTP/1.1\r\nHost: a\r\nContent-Length: 21\r\n\r\n\(RunningServer.digit)"
                    + "POST /inference HTTP/1.1\r\nHost: a\r\nContent-Length: 21\r\n\r\n\(body)"
                    + "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            client.finish()
            // Whether a client that sends no more is still there, an interim answer tells.
            #expect(try client.answer().status == 100)
            #expect(try client.answer().text == "7")
            #expect(try client.answer().text == "3")
            #expect(try client.answer().status == 200)
            #expect(client.isClosedByServer())
            let old = try server.connect()
            try old.send("POST /inference HTTP/1.0\r\nContent-Length: 21\r\n\r\n\(RunningServer.digit)")
            old.finish()
            #expect(try old.answer().text == "7")
            #expect(server.fleet.total(.abandoned) == 0)
        }
    }

    @Test func requestsWaitUntilTheAnswersBeforeThemAreRead() throws {
        try withServer { server in
            let client = try server.connect()
            try client.send(String(repeating: "GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n", count: 1000))
            // All answers are some megabytes; what the buffers of both sides take are some hundred kilobytes.
            #expect(try server.connect().ask("POST", "/inference", text: RunningServer.digit).status == 200)
            SystemClock.sleep(milliseconds: 300)
            #expect(server.fleet.responses(.other, status: 200) < 500)
            for _ in 0..<1000 { #expect(try client.answer().status == 200) }
            #expect(server.fleet.responses(.other, status: 200) == 1000)
            #expect(try client.ask("GET", "/healthz").status == 200)
        }
    }

    /// It takes less than it should in a second, or nothing for a while.
    @Test(arguments: [(1_000_000_000, Duration.seconds(600)), (0, .milliseconds(300))])
    func aClientThatReadsTooSlowlyIsEnded(minBytesPerSecond: Int, writeStall: Duration) throws {
        // Over TCP, the kernel would end the second one too.
        try withServer(folder: TemporaryFolder()) { limits in
            limits.rateGrace = .milliseconds(300)
            limits.minBytesPerSecond = minBytesPerSecond
            limits.writeStall = writeStall
        } _: { server in
            let client = try server.connect()
            try client.send(String(repeating: "GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n", count: 1000))
            #expect(server.eventually { $0.total(.accepted) == 1 && $0.total(.connections) == 0 })
            #expect(throws: (any Error).self) { for _ in 0..<1000 { _ = try client.answer() } }
        }
    }

    @Test func aConnectionEndsAfterItsShareOfRequests() throws {
        try withServer { limits in
            limits.maxRequestsPerConnection = 2
        } _: { server in
            let client = try server.connect()
            #expect(try client.ask("GET", "/healthz").headers["connection"] == nil)
            #expect(try client.ask("GET", "/healthz").headers["connection"] == "close")
            #expect(client.isClosedByServer())
        }
    }
}
