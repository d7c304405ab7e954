// SPDX-License-Identifier: MIT

import SystemCalls
import TestSupport
import Testing

/// What is light is done by the event loop itself; all else by the inference thread, while the loop answers others.
@Suite(.serialized) struct ServerLightWorkTests {
    private func post(_ path: String, _ body: String) -> String {
        "POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    @Test func aLightNetworkRunsOnTheLoop() throws {
        try withServer { server in
            let client = try server.connect()
            for value in 0..<20 {
                try client.send(post("/inference", #"{"images": [\#(value),0,0,0]}"#))
                #expect(try client.answer().text == "\(value % 10)")
            }
            #expect(server.borrowedRuns.value == 20)
            #expect(server.fleet.total(.runs) == 20)
        }
    }

    @Test func whatIsWrongIsToldByTheLoop() throws {
        try withServer { server in
            let client = try server.connect()
            try client.send(post("/inference", #"{"images": [1,2]}"#) + post("/inference", RunningServer.digit))
            #expect(try client.answer().status == 400)
            #expect(try client.answer().text == "7")
        }
    }

    @Test func imagesAreLeftToTheThread() throws {
        try withServer { server in
            let client = try server.connect()
            try client.send(post("/predict/turns", #"{"images": ["AQID"]}"#))
            #expect(try client.answer().status == 200)
            #expect(server.borrowedRuns.value == 0)
        }
    }

    @Test func aNetworkThatTakesLongIsLeftToTheThread() throws {
        let server = try RunningServer(milliseconds: 100, fastestBatch: 2)
        defer { server.stop() }
        let (client, prober) = (try server.connect(), try server.connect())
        try client.send(post("/inference", RunningServer.digit))
        let start = SystemClock.monotonicNanoseconds()
        try prober.send("GET /v2/health/live HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try prober.answer().status == 200)
        #expect(SystemClock.monotonicNanoseconds() - start < 90_000_000)
        #expect(try client.answer().text == "7")
        #expect(server.borrowedRuns.value == 0)
    }

    @Test func aBodyThatIsLongToReadIsLeftToTheThread() throws {
        try withServer { server in
            let client = try server.connect()
            try client.send(post("/inference", #"{"images": [7,0,0,0]}"# + String(repeating: " ", count: 16 << 10)))
            #expect(try client.answer().text == "7")
            #expect(server.borrowedRuns.value == 0)
        }
    }

    /// A batch of more rows than are light together goes to the thread, and what came after it keeps its place.
    @Test func manyRowsAreLeftToTheThread() throws {
        try withServer { server in
            let rows = Array(repeating: "1,2,3,4", count: 200).joined(separator: ",")
            let body = #"{"inputs":[{"name":"input","datatype":"FP32","shape":[200,1,2,2],"data":[\#(rows)]}]}"#
            let clients = try (0..<3).map { _ in try server.connect() }
            for client in clients { try client.send(post("/v2/models/digits/infer", body)) }
            for client in clients { #expect(try client.answer().status == 200) }
            #expect(server.borrowedRuns.value == 0)
            #expect(server.fleet.total(.images) == 600)
            // One row is light again, once the thread sleeps.
            SystemClock.sleep(milliseconds: 100)
            try clients[0].send(post("/inference", RunningServer.digit))
            #expect(try clients[0].answer().text == "7")
            #expect(server.borrowedRuns.value == 1)
        }
    }

    @Test func pipelinedRequestsAreAllAnsweredInOrder() throws {
        try withServer { server in
            let client = try server.connect()
            let requests = (0..<50).map { post("/inference", #"{"images": [\#($0),0,0,0]}"#) }
            try client.send(requests.joined())
            for value in 0..<50 { #expect(try client.answer().text == "\(value % 10)") }
        }
    }

    /// What is not to be read yet must not wake the loop again and again.
    @Test(arguments: ["", "POST /inference HTTP/1.1\r\nHost: a\r\nContent-"])
    func whatComesWhileAnAnswerIsWaitedForCostsNothing(rest: String) throws {
        try withServer(milliseconds: 1500) { server in
            let client = try server.connect()
            try client.send(post("/inference", RunningServer.digit))
            SystemClock.sleep(milliseconds: 200)
            if rest.isEmpty { client.finish() } else { try client.send(rest) }
            SystemClock.sleep(milliseconds: 100)
            let before = server.loopNanoseconds
            SystemClock.sleep(milliseconds: 700)
            #expect(server.loopNanoseconds - before < 200_000_000)
            // By this the server asks whether a client is there that sends no more.
            if rest.isEmpty { #expect(try client.answer().status == 100) }
            #expect(try client.answer().text == "7")
        }
    }
}
