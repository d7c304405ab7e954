// SPDX-License-Identifier: MIT

import HTTP
import JSON
import SystemCalls
import TestSupport
import Testing
import Transport

@Suite struct ServerTests {
    // MARK: The wire

    @Test func aConnectionCarriesManyRequests() throws {
        try withServer { server in
            let client = try server.connect()
            for _ in 0..<3 {
                let answer = try client.ask("POST", "/inference", text: RunningServer.digit)
                #expect(answer.status == 200)
                #expect(answer.text == "7")
                #expect(answer.headers["server-timing"]?.hasPrefix("queue;dur=") == true)
                #expect(answer.headers["connection"] == nil)
            }
            let health = try client.ask("HEAD", "/v2/health/live")
            #expect(health.status == 200)
            #expect(health.headers["content-length"] == "13")
            #expect(health.headers["server-timing"]?.hasPrefix("total;dur=") == true)
            #expect(
                try client.ask("GET", "/v2/health/live", headers: ["X-Request-Id: abc"]).headers["x-request-id"]
                    == "abc")
        }
    }

    @Test func pipelinedRequestsAreAnsweredInOrderAndTheBrokenOneEndsThem() throws {
        try withServer { server in
            let client = try server.connect()
            let requests = (0..<100).map { index -> String in
                let body = "{\"images\": [\(index % 10),0,0,0]}"
                return "POST /inference HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
            }
            try client.send(requests.joined() + "BROKEN\r\n\r\n" + requests[0])
            for index in 0..<100 { #expect(try client.answer().text == String(index % 10)) }
            let last = try client.answer()
            #expect(last.status == 400)
            #expect(last.headers["connection"] == "close")
            #expect(client.isClosedByServer())
        }
    }

    @Test func oldClientsGetWhatTheyExpect() throws {
        try withServer { server in
            let client = try server.connect()
            try client.send("GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            #expect(try client.answer().headers["connection"] == "keep-alive")
            try client.send("GET /healthz HTTP/1.0\r\n\r\n")
            #expect(try client.answer().headers["connection"] == "close")
            #expect(client.isClosedByServer())
        }
    }

    @Test func aClientThatWaitsIsAskedForItsBody() throws {
        try withServer { server in
            let client = try server.connect()
            try client.send(
                "POST /inference HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: \(RunningServer.digit.utf8.count)\r\n\r\n"
            )
            #expect(try client.answer().status == 100)
            try client.send(RunningServer.digit)
            #expect(try client.answer().text == "7")
        }
    }

    @Test(arguments: [
        "Content-Length: 5000", "Content-Length: 5000\r\nExpect: 100-continue", "Transfer-Encoding: chunked",
    ])
    func aBodyAboveTheLimitIsRefusedBeforeItIsRead(framing: String) throws {
        try withServer { limits in
            limits.http.maxBodyBytes = 1000
        } _: { server in
            let client = try server.connect()
            try client.send("POST /inference HTTP/1.1\r\nHost: a\r\n\(framing)\r\n\r\n")
            if framing.contains("chunked") { try client.send("3e9\r\n") }
            let answer = try client.answer()
            #expect(answer.status == 413)
            #expect(answer.text.contains("1000 bytes"))
            #expect(client.isClosedByServer())
        }
    }

    @Test func aClientThatSendsOnSeesItsRefusal() throws {
        try withServer { server in
            let client = try server.connect()
            try client.send("POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
            // Were the connection closed by now, the first part would reset it, and the next could not be sent. A client
            // that fails to send has no reason to look for an answer.
            for _ in 0..<4 {
                SystemClock.sleep(milliseconds: 100)
                try client.send([UInt8](repeating: 0, count: 100_000))
            }
            #expect(try client.answer().status == 404)
            #expect(client.isClosedByServer())
        }
    }

    @Test func unfinishedRequestsHaveALimitTogether() throws {
        try withServer { limits in
            limits.maxBufferedBytes = 150_000
        } _: { server in
            let clients = try (0..<2).map { _ in try server.connect() }
            for client in clients {
                try client.send("POST /inference HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n")
                try client.send([UInt8](repeating: 0x20, count: 100_000))
                SystemClock.sleep(milliseconds: 100)
            }
            let answer = try clients[1].answer()
            #expect(answer.status == 503)
            #expect(answer.headers["retry-after"] != nil)
        }
    }

    @Test func bodiesThatAreWorkedOnCountAmongUnfinishedRequests() throws {
        try withServer(milliseconds: 500) { limits in
            limits.maxBufferedBytes = 150_000
        } _: { server in
            let body = RunningServer.digit + String(repeating: " ", count: 100_000)
            let request = "POST /inference HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
            let first = try server.connect()
            try first.send(request)
            SystemClock.sleep(milliseconds: 100)
            #expect(try server.connect().ask("POST", "/inference", text: body).status == 503)
            #expect(try first.answer().status == 200)
        }
    }

    @Test func whatIsAnsweredOrGivenUpCountsNoMore() throws {
        try withServer { limits in
            limits.maxBufferedBytes = 150_000
        } _: { server in
            let body = RunningServer.digit + String(repeating: " ", count: 140_000)
            let client = try server.connect()
            for _ in 0..<4 { #expect(try client.ask("POST", "/inference", text: body).status == 200) }
            for _ in 0..<4 {
                let leaving = try server.connect()
                try leaving.send("POST /inference HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n")
                try leaving.send([UInt8](repeating: 0x20, count: 140_000))
                SystemClock.sleep(milliseconds: 50)
            }
            #expect(server.eventually { $0.total(.connections) == 1 })
            #expect(try client.ask("POST", "/inference", text: body).status == 200)
        }
    }

    @Test func requestsKeepTheirPlainNames() throws {
        try withServer { server in
            let client = try server.connect()
            for name in ["a", "0123-4567.x/y", String(repeating: "x", count: 128)] {
                for path in ["/healthz", "/nothing"] {
                    let answer = try client.ask("GET", path, headers: ["X-Request-Id: \(name)"])
                    #expect(answer.headers["x-request-id"] == name)
                }
            }
        }
    }

    @Test func requestsWithoutAPlainNameGetOneOfTheirOwn() throws {
        try withServer { server in
            let client = try server.connect()
            var names: [String] = []
            for name in ["", "a b", "a\tb", "a\"b", "a\\b", "\u{E9}", String(repeating: "x", count: 129)] {
                let headers = name.isEmpty ? [] : ["X-Request-Id: \(name)"]
                let given = try client.ask("GET", "/healthz", headers: headers).headers["x-request-id"] ?? ""
                #expect(given != name)
                names.append(given)
            }
            names.append(try client.ask("POST", "/inference", text: RunningServer.digit).headers["x-request-id"] ?? "")
            try client.send("BROKEN\r\n\r\n")
            names.append(try client.answer().headers["x-request-id"] ?? "")
            #expect(names.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } }, "\(names)")
            #expect(Set(names).count == names.count, "\(names)")
        }
    }

    @Test func refusalsOfSmallRequestsKeepTheConnection() throws {
        try withServer { server in
            let client = try server.connect()
            #expect(try client.ask("POST", "/nothing", text: "body").status == 404)
            #expect(try client.ask("GET", "/healthz").status == 200)
            try client.send("POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
            #expect(try client.answer().headers["connection"] == "close")
            #expect(client.isClosedByServer())
        }
    }

    @Test func compressedBodiesAreInflatedWithinTheLimit() throws {
        // gzip of {"images": [7,0,0,0]}, and of 5,000 zeros.
        let small = "H4sIAAAAAAACA6tWysxNTE8tVrJSiDbXMQDB2FoA6Z0rCRUAAAA="
        let bomb = "H4sIAAAAAAACA+3BMQEAAADCoPVPbQo/oAAAAACAtwGoDuXYiBMAAA=="
        try withServer { limits in
            limits.http.maxBodyBytes = 1000
        } _: { server in
            let client = try server.connect()
            let gzip = ["Content-Encoding: gzip"]
            #expect(
                try client.ask("POST", "/inference", headers: gzip, body: #require(base64Decoded(small.utf8))).text
                    == "7")
            #expect(
                try client.ask("POST", "/inference", headers: gzip, body: #require(base64Decoded(bomb.utf8))).status
                    == 413)
            #expect(try client.ask("POST", "/inference", headers: gzip, text: "no gzip").status == 400)
            #expect(try client.ask("POST", "/inference", headers: ["Content-Encoding: br"], text: "x").status == 415)
        }
    }

    // MARK: Overload

    @Test func jobsOfClientsThatAreGoneMakeRoomInTheQueue() throws {
        try withServer(milliseconds: 2000) { limits in
            limits.queueCapacity = 2
        } _: { server in
            let request = "POST /inference HTTP/1.1\r\nHost: a\r\nContent-Length: 21\r\n\r\n\(RunningServer.digit)"
            let first = try server.connect()
            try first.send(request)
            SystemClock.sleep(milliseconds: 100)
            do {
                let gone = try (0..<2).map { _ in try server.connect() }
                for client in gone { try client.send(request) }
                #expect(server.eventually { $0.total(.connections) == 3 })
                withExtendedLifetime(gone) {}
            }
            #expect(server.eventually { $0.total(.connections) == 1 })
            let second = try server.connect()
            #expect(try second.ask("POST", "/inference", text: RunningServer.digit).status == 200)
            #expect(try first.answer().status == 200)
            #expect(server.fleet.total(.abandoned) == 2)
        }
    }

    @Test func aFullQueueRefusesAtOnceAndProbesStillAnswer() throws {
        try withServer(milliseconds: 500) { limits in
            limits.queueCapacity = 1
        } _: { server in
            let clients = try (0..<6).map { _ in try server.connect() }
            let request =
                "POST /inference HTTP/1.1\r\nHost: a\r\nContent-Length: \(RunningServer.digit.utf8.count)\r\n\r\n\(RunningServer.digit)"
            for client in clients { try client.send(request) }
            let probe = try server.connect()
            #expect(try probe.ask("GET", "/v2/health/ready").status == 200)
            let answers = try clients.map { try $0.answer() }
            // One runs and one waits; a second may run if the first was taken before the others came.
            #expect((1...3).contains(answers.count { $0.status == 200 }))
            let refused = answers.filter { $0.status == 503 }
            #expect(refused.count >= 3)
            #expect(refused.allSatisfy { Int($0.headers["retry-after"] ?? "") ?? 0 >= 1 })
            #expect(try clients[0].ask("POST", "/inference", text: RunningServer.digit).status == 200)
        }
    }

    /// What the transport refuses by itself is told to calls in their form.
    @Test func aFullQueueIsUnavailableToCalls() throws {
        try withServer(milliseconds: 500) { limits in
            limits.queueCapacity = 1
        } _: { server in
            let clients = try (0..<6).map { _ in try server.connect() }
            let body = GRPCWeb.frame([0x0A, 1, 4])
            let head =
                "POST /InferenceImage/Inference HTTP/1.1\r\nHost: a\r\n\(GRPCWeb.contentType)\r\n"
                + "Content-Length: \(body.count)\r\n\r\n"
            for client in clients { try client.send(Array(head.utf8) + body) }
            let answers = try clients.map { try $0.answer() }
            #expect(answers.allSatisfy { $0.status == 200 })
            let statuses = answers.map { GRPCWeb.Answer($0.body)?.status }
            #expect((1...3).contains(statuses.count { $0 == 0 }) && statuses.allSatisfy { $0 == 0 || $0 == 14 })
            for (answer, status) in zip(answers, statuses) where status == 14 {
                #expect(Int(answer.headers["retry-after"] ?? "") ?? 0 >= 1)
            }
        }
    }

    @Test func aRequestThatWaitedPastItsDeadlineIsRefused() throws {
        try withServer(milliseconds: 400) { limits in
            limits.queueTime = .milliseconds(50)
        } _: { server in
            let first = try server.connect()
            let second = try server.connect()
            let request =
                "POST /inference HTTP/1.1\r\nHost: a\r\nContent-Length: \(RunningServer.digit.utf8.count)\r\n\r\n\(RunningServer.digit)"
            try first.send(request)
            SystemClock.sleep(milliseconds: 50)
            try second.send(request)
            #expect(try first.answer().status == 200)
            #expect(try second.answer().status == 503)
        }
    }

    /// A thread that hangs takes no more jobs; those who wait are answered all the same.
    @Test func whoWaitsForAHangingThreadIsAnsweredInTime() throws {
        try withServer(milliseconds: 3000) { limits in
            limits.queueTime = .milliseconds(100)
        } _: { server in
            let hanging = try server.connect()
            let request =
                "POST /inference HTTP/1.1\r\nHost: a\r\nContent-Length: \(RunningServer.digit.utf8.count)\r\n\r\n\(RunningServer.digit)"
            try hanging.send(request)
            SystemClock.sleep(milliseconds: 100)
            let start = SystemClock.monotonicNanoseconds()
            #expect(try server.connect().ask("POST", "/inference", text: RunningServer.digit).status == 503)
            #expect(SystemClock.monotonicNanoseconds() - start < 2_000_000_000)
        }
    }

    /// Some keep large answers waiting: beyond the limit they get 503, and others are answered.
    @Test func answersThatAreNotReadHaveALimitTogether() throws {
        try withServer(folder: TemporaryFolder()) { limits in
            limits.maxBufferedBytes = 100_000
            limits.maxUnsentBytes = 1000
        } _: { server in
            let asking = "GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n"
            let lazy = try (0..<40).map { _ in try server.connect() }
            for client in lazy { try client.send(String(repeating: asking, count: 100)) }
            // Some are told so at once.
            #expect(server.eventually { $0.responses(.other, status: 503) > 0 })
            SystemClock.sleep(milliseconds: 1200)
            #expect(try server.connect().ask("GET", "/openapi.json").status == 200)
            withExtendedLifetime(lazy) {}
        }
    }

    @Test func connectionsOfAnAddressAreLimited() throws {
        try withServer { limits in
            limits.maxConnectionsPerAddress = 3
        } _: { server in
            var clients = try (0..<3).map { _ in try server.connect() }
            for client in clients { #expect(try client.ask("GET", "/healthz").status == 200) }
            let fourth = try server.connect()
            #expect(try fourth.answer().status == 429)
            #expect(fourth.isClosedByServer())
            #expect(server.fleet.total(.refusedConnections) == 1)
            clients.removeLast()
            #expect(server.eventually { $0.total(.connections) == 2 })
            #expect(try server.connect().ask("GET", "/healthz").status == 200)
        }
    }

    @Test func workForClientsThatAreGoneIsDropped() throws {
        try withServer(milliseconds: 300) { server in
            let request =
                "POST /inference HTTP/1.1\r\nHost: a\r\nContent-Length: \(RunningServer.digit.utf8.count)\r\n\r\n\(RunningServer.digit)"
            let first = try server.connect()
            try first.send(request)
            SystemClock.sleep(milliseconds: 50)
            do {
                let gone = try server.connect()
                try gone.send(request)
                SystemClock.sleep(milliseconds: 50)
            }
            #expect(try first.answer().text == "7")
            #expect(try first.ask("POST", "/inference", text: #"{"images": [5,0,0,0]}"#).text == "5")
            #expect(server.fleet.total(.abandoned) == 1)
            #expect(server.fleet.total(.runs) == 2)
        }
    }

    @Test func theOldestIdleConnectionMakesRoom() throws {
        try withServer { limits in
            limits.maxConnections = 2
        } _: { server in
            let oldest = try server.connect()
            #expect(try oldest.ask("GET", "/healthz").status == 200)
            let second = try server.connect()
            #expect(try second.ask("GET", "/healthz").status == 200)
            let third = try server.connect()
            #expect(try third.ask("GET", "/healthz").status == 200)
            #expect(oldest.isClosedByServer())
            #expect(try second.ask("GET", "/healthz").status == 200)
        }
    }

    // MARK: Ending

    @Test func drainingFinishesWhatWasAccepted() throws {
        let server = try RunningServer(milliseconds: 400)
        let busy = try server.connect()
        let idle = try server.connect()
        #expect(try idle.ask("GET", "/healthz").status == 200)
        try busy.send(
            "POST /inference HTTP/1.1\r\nHost: a\r\nContent-Length: \(RunningServer.digit.utf8.count)\r\n\r\n\(RunningServer.digit)"
        )
        SystemClock.sleep(milliseconds: 100)
        let waiting = try server.connect()
        try waiting.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        server.drain()
        let last = try idle.ask("GET", "/healthz")
        #expect(last.status == 200)
        #expect(last.headers["connection"] == "close")
        let answer = try busy.answer()
        #expect(answer.text == "7")
        #expect(answer.headers["connection"] == "close")
        #expect(try waiting.answer().status == 200)
        #expect(server.ends())
        #expect(throws: SystemError.self) { try server.connect() }
    }

    @Test func drainingDoesNotWaitForIdleConnections() throws {
        let server = try RunningServer { limits in
            limits.keepAlive = .seconds(600)
            limits.headerTime = .seconds(600)
        }
        let used = try server.connect()
        #expect(try used.ask("GET", "/healthz").status == 200)
        let fresh = try server.connect()
        #expect(server.eventually { $0.total(.connections) == 2 })
        server.drain()
        #expect(server.ends(withinSeconds: 5))
        #expect(used.isClosedByServer())
        #expect(fresh.isClosedByServer())
    }

    @Test func countsEveryRequestOnce() throws {
        try withServer { server in
            let client = try server.connect()
            for _ in 0..<20 { #expect(try client.ask("POST", "/inference", text: RunningServer.digit).status == 200) }
            #expect(try client.ask("POST", "/inference", text: "{").status == 400)
            #expect(server.fleet.responses(.inference, status: 200) == 20)
            #expect(server.fleet.responses(.inference, status: 400) == 1)
        }
    }
}
