// SPDX-License-Identifier: MIT

import HTTP
import HTTP2
import SystemCalls
import TestSupport
import Testing
import Transport

/// HTTP/2 on the addresses of HTTP/1.1.
@Suite struct ServerHTTP2Tests {
    private let digit = Array(RunningServer.digit.utf8)
    private let grpc = [(name: "content-type", value: "application/grpc"), (name: "te", value: "trailers")]

    @Test func streamsAreAnsweredSideBySide() throws {
        try withServer { server in
            let client = try server.connectHTTP2()
            for stream in stride(from: UInt32(1), to: 41, by: 2) {
                try client.request(
                    stream, "POST", "/inference", body: Array("{\"images\": [\(stream % 10),0,0,0]}".utf8))
            }
            for stream in stride(from: UInt32(39), to: 0, by: -2) {
                let answer = try client.answer(stream)
                #expect(answer.status == 200 && answer.text == String(stream % 10) && answer.trailers.isEmpty)
                #expect(answer.headers["content-length"] == "1")
                #expect(answer.headers["server-timing"]?.hasPrefix("queue;dur=") == true)
            }
            let health = try client.ask(41, "HEAD", "/v2/health/live", headers: [("x-request-id", "abc")])
            #expect(health.status == 200 && health.body.isEmpty && health.headers["content-length"] == "13")
            #expect(health.headers["x-request-id"] == "abc" && health.headers["date"]?.hasSuffix("GMT") == true)
            #expect(health.headers["connection"] == nil)
            #expect(try client.ask(43, "GET", "/none").status == 404)
            #expect(try client.ask(45, "GET", "/inference").status == 405)
            // On the same address.
            #expect(try server.connect().ask("POST", "/inference", text: RunningServer.digit).text == "7")
            #expect(server.eventually { $0.responses(.inference, status: 200) == 21 })
        }
    }

    @Test func thePrefaceIsRecognisedByteByByte() throws {
        try withServer { limits in
            limits.headerTime = .milliseconds(300)
        } _: { server in
            let client = try server.connect()
            for byte in HTTP2Session.preface {
                try client.send([byte])
                SystemClock.sleep(milliseconds: 2)
            }
            try client.send(HTTP2Client.frame(HTTP2Client.settings))
            // The server's settings come first, and no answer of HTTP/1.1.
            #expect(throws: RawClient.Failure.self) { try client.answer() }
            // What only begins like it is a request of HTTP/1.1, whenever it differs.
            for text in [
                "PRI * HTTP/2.0\r\n\r\nSM\r\n\rX", "PRI * HTTP/1.1\r\nHost: a\r\n\r\n",
                "PUT /v2 HTTP/1.1\r\nHost: a\r\n\r\n",
            ] {
                let other = try server.connect()
                try other.send(text)
                #expect(try other.answer().status >= 400)
            }
            let slow = try server.connect()
            try slow.send("PRI * HTT")
            #expect(try slow.answer().status == 408)
            #expect(slow.isClosedByServer())
        }
    }

    @Test func largeBodiesGoBothWays() throws {
        try withServer { server in
            let client = try server.connectHTTP2()
            let image = (0..<(5 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            for stream: UInt32 in [1, 3] { try client.request(stream, "POST", "/rotate", body: image) }
            for stream: UInt32 in [1, 3] { #expect(try client.answer(stream).body == image.reversed()) }
        }
    }

    @Test func aBodyAboveTheLimitIsRefusedAndItsStreamAlone() throws {
        try withServer { limits in
            limits.http.maxBodyBytes = 100_000
            limits.linger = .milliseconds(300)
        } _: { server in
            let client = try server.connectHTTP2()
            let large = [UInt8](repeating: 32, count: 200_000)
            #expect(try client.ask(1, "POST", "/inference", body: large).status == 413)
            #expect(
                try client.ask(3, "POST", "/inference", headers: [("content-length", "200000")], body: large).status
                    == 413)
            // One whose client waits before it sends, and then does not: the stream ends without an error.
            try client.request(
                5, "POST", "/inference", headers: [("content-length", "200000"), ("expect", "100-continue")],
                ends: false)
            #expect(try client.answer(5).status == 413)
            while let frame = try client.next() {
                guard frame.type == HTTP2Client.reset else { continue }
                #expect(frame.stream == 5 && frame.code == 0)
                break
            }
            #expect(try client.ask(7, "POST", "/inference", body: digit).text == "7")
        }
    }

    @Test func aClientThatWaitsIsAskedForItsBody() throws {
        try withServer { server in
            let client = try server.connectHTTP2()
            try client.request(1, "POST", "/inference", headers: [("expect", "100-continue")], ends: false)
            while let frame = try client.next(), frame.type != HTTP2Client.headers {}
            try client.send(HTTP2Client.frame(0, flags: HTTP2Client.endStream, stream: 1, payload: digit))
            let answer = try client.answer(1)
            #expect(answer.status == 200 && answer.text == "7")
        }
    }

    @Test func malformedRequestsEndTheirStreamsAlone() throws {
        try withServer { server in
            let client = try server.connectHTTP2()
            var stream: UInt32 = 1
            func ask(_ fields: [(name: String, value: String)]) throws -> HTTP2Client.Answer {
                try client.send(
                    HTTP2Client.frame(1, flags: 5, stream: stream, payload: HTTP2Client.block(fields)))
                defer { stream += 2 }
                return try client.answer(stream)
            }
            let good = HTTP2Client.fields("GET", "/v2")
            // What RFC 9113, section 8, calls malformed.
            for fields in [
                Array(good.dropFirst()), good.filter { $0.name != ":path" }, good + [(":path", "/")],
                good + [("Upper", "a")], good + [("connection", "close")], good + [("te", "gzip")],
                [("a", "b")] + good, good + [(":status", "200")], good + [("a", "b\nc")], good + [("a b", "c")],
                good + [("content-length", "5")], good + [("transfer-encoding", "chunked")],
                good.filter { $0.name != ":authority" },
            ] {
                #expect(try ask(fields).reset == 1, "\(fields)")
            }
            // What the rules of HTTP itself refuse is answered.
            for fields in [
                good + [("host", "b")],
                HTTP2Client.fields("GET", "/a/../b"), HTTP2Client.fields("GET", "/a%2Fb"),
                good + [("content-type", "a/b"), ("content-type", "a/b")], good + [("content_type", "a/b")],
            ] {
                let answer = try ask(fields)
                #expect(answer.status == 400 && answer.text.hasPrefix("{\"error\":"), "\(fields): \(answer)")
            }
            #expect(try ask(HTTP2Client.fields("GET", "/v2")).status == 200)
            #expect(try ask([(":method", "CONNECT"), (":authority", "a:80")]).status == 405)
            let long = String(repeating: "a", count: 9000)
            #expect(try ask(HTTP2Client.fields("GET", "/\(long)")).status == 414)
            let half = String(repeating: "a", count: 8100)
            #expect(try ask(good + [("a", half), ("b", half)]).status == 431)
        }
    }

    // MARK: gRPC

    @Test func callsAreAnsweredWithTrailers() throws {
        try withServer { server in
            let client = try server.connectHTTP2()
            let good = try client.ask(
                1, "POST", "/inference.GRPCInferenceService/ServerLive", headers: grpc, body: GRPCWeb.frame([]))
            #expect(good.status == 200 && good.headers["content-type"] == "application/grpc")
            #expect(good.body == GRPCWeb.frame([8, 1]) && good.trailers["grpc-status"] == "0")
            // An error has one block of headers and nothing else.
            try client.request(
                3, "POST", "/inference.GRPCInferenceService/None", headers: grpc, body: GRPCWeb.frame([]))
            let bad = try client.answer(3)
            #expect(bad.status == 200 && bad.headers["grpc-status"] == "12" && bad.trailers.isEmpty && bad.body.isEmpty)
            let large = try client.ask(
                5, "POST", "/grpc.health.v1.Health/Check", headers: grpc,
                body: GRPCWeb.frame([UInt8](repeating: 0, count: 20_000)))
            #expect(large.status == 200 && large.headers["grpc-status"] == "8")
        }
    }

    @Test func messagesOfAStreamAreAnsweredOneByOne() throws {
        try withServer { server in
            let client = try server.connectHTTP2()
            let path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
            // "list_services", cut in the middle of a message.
            let question = GRPCWeb.frame([0x3A, 0])
            try client.request(1, "POST", path, headers: grpc, ends: false)
            var count = 0
            func answer() throws -> [UInt8] {
                while let frame = try client.next() {
                    if frame.type == HTTP2Client.data, frame.stream == 1 { return frame.payload }
                }
                return []
            }
            try client.send(HTTP2Client.frame(0, stream: 1, payload: question + question.prefix(3)))
            let first = try answer()
            #expect(String(decoding: first, as: UTF8.self).contains("inference.GRPCInferenceService"))
            try client.send(HTTP2Client.frame(0, stream: 1, payload: Array(question.dropFirst(3))))
            #expect(try answer() == first)
            // More than the windows hold, at once.
            let many = (0..<3000).flatMap { _ in question }
            for start in stride(from: 0, to: many.count, by: 16_000) {
                try client.send(
                    HTTP2Client.frame(0, stream: 1, payload: Array(many[start..<min(start + 16_000, many.count)])))
            }
            try client.send(HTTP2Client.frame(0, flags: 1, stream: 1))
            let whole = try client.answer(1)
            count = whole.body.count / first.count
            #expect(count == 3002 && whole.trailers["grpc-status"] == "0")

            // A message that breaks off, and one that is too large.
            try client.request(3, "POST", path, headers: grpc, body: Array(question.dropLast()))
            #expect(try client.answer(3).headers["grpc-status"] == "3")
            try client.request(5, "POST", path, headers: grpc, body: question + [0, 127, 0, 0, 0])
            let late = try client.answer(5)
            #expect(late.body == first && late.trailers["grpc-status"] == "8")
        }
    }

    @Test func aCallIsGivenTheTimeThatItsClientHas() throws {
        try withServer(milliseconds: 1500) { server in
            let client = try server.connectHTTP2()
            let body = GRPCWeb.frame([0x0A, 1, 7])
            let path = "/InferenceImage/Inference"
            try client.request(1, "POST", path, headers: grpc + [("grpc-timeout", "200m")], body: body)
            try client.request(3, "POST", path, headers: grpc, body: body)
            #expect(try client.answer(1).headers["grpc-status"] == "4")
            #expect(try client.answer(3).trailers["grpc-status"] == "0")
        }
    }

    // MARK: Ends

    @Test func aRequestThatIsGivenUpIsNotWorkedOn() throws {
        try withServer(milliseconds: 500) { server in
            let client = try server.connectHTTP2()
            for stream: UInt32 in [1, 3, 5] { try client.request(stream, "POST", "/inference", body: digit) }
            try client.send(HTTP2Client.frame(HTTP2Client.reset, stream: 3, payload: HTTP2Client.bytes(8)))
            #expect(try client.answer(5).text == "7")
            #expect(server.eventually { $0.total(.abandoned) == 1 })
            let runs = server.fleet.total(.abandoned)
            #expect(runs == 1)
        }
    }

    @Test func aClientThatSendsNoMoreGetsItsAnswersAndOneThatIsGoneCostsNothing() throws {
        try withServer(milliseconds: 500) { server in
            let client = try server.connectHTTP2()
            for stream: UInt32 in [1, 3] { try client.request(stream, "POST", "/inference", body: digit) }
            SystemClock.sleep(milliseconds: 100)
            client.finish()
            #expect(try client.answer(1).text == "7" && client.answer(3).text == "7")
            #expect(client.isClosedByServer())
            do {
                let gone = try server.connectHTTP2()
                for stream: UInt32 in [1, 3, 5] { try gone.request(stream, "POST", "/inference", body: digit) }
                SystemClock.sleep(milliseconds: 100)
            }
            #expect(server.eventually { $0.total(.abandoned) == 2 })
        }
    }

    @Test func drainingLosesNothing() throws {
        let server = try RunningServer(milliseconds: 300)
        let client = try server.connectHTTP2()
        let idle = try server.connectHTTP2()
        #expect(try idle.ask(1, "GET", "/v2").status == 200)
        for stream: UInt32 in [1, 3] { try client.request(stream, "POST", "/inference", body: digit) }
        SystemClock.sleep(milliseconds: 50)
        server.drain()
        while client.goAwayCode == nil, try client.next() != nil {}
        // A notice, which names no stream yet: what is on its way is taken up.
        #expect(client.goAwayCode == 0 && client.goAwayStream == 0x7FFF_FFFF)
        try client.request(5, "POST", "/inference", body: digit)
        for stream: UInt32 in [1, 3, 5] { #expect(try client.answer(stream).text == "7") }
        #expect(client.isClosedByServer())
        #expect(client.goAwayCode == 0 && client.goAwayStream == 5)
        #expect(idle.isClosedByServer())
        #expect(idle.goAwayStream == 1)
        #expect(server.ends())
    }

    @Test func aWatchOfHealthStaysOpenUntilTheServerDrains() throws {
        let server = try RunningServer()
        let client = try server.connectHTTP2()
        try client.request(1, "POST", "/grpc.health.v1.Health/Watch", headers: grpc, body: GRPCWeb.frame([]))
        while let frame = try client.next(), frame.type != HTTP2Client.data {}
        #expect(try client.ask(3, "GET", "/v2").status == 200)
        SystemClock.sleep(milliseconds: 500)
        server.drain()
        let answer = try client.answer(1)
        #expect(answer.body == GRPCWeb.frame([8, 1]) + GRPCWeb.frame([8, 2]))
        #expect(answer.trailers["grpc-status"] == "14")
        #expect(client.isClosedByServer())
        #expect(server.ends())
    }

    @Test func anIdleConnectionEndsWithAGoodbye() throws {
        try withServer { limits in
            limits.keepAlive = .milliseconds(300)
        } _: { server in
            let client = try server.connectHTTP2()
            #expect(try client.ask(1, "GET", "/v2").status == 200)
            #expect(client.isClosedByServer())
            #expect(client.goAwayCode == 0 && client.goAwayStream == 1)
        }
    }

    @Test func requestsOfAConnectionHaveALimit() throws {
        try withServer { limits in
            limits.maxRequestsPerHTTP2Connection = 3
        } _: { server in
            let client = try server.connectHTTP2()
            for stream: UInt32 in [1, 3, 5, 7] { #expect(try client.ask(stream, "GET", "/v2").status == 200) }
            #expect(client.isClosedByServer())
            #expect(client.goAwayCode == 0 && client.goAwayStream == 7)
        }
    }
}
