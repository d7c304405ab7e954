// SPDX-License-Identifier: MIT

import SystemCalls
import TestSupport
import Testing
import Transport

/// Requests that wait at the same time for the same network run together, and each gets its own answer.
@Suite(.serialized) struct ServerBatchTests {
    private func withServer(
        milliseconds: Int = 300, fastestBatch: Int = 4, _ body: (RunningServer) throws -> Void
    ) throws {
        let server = try RunningServer(milliseconds: milliseconds, fastestBatch: fastestBatch)
        defer { server.stop() }
        try body(server)
    }

    private func infer(_ rows: [[Int]]) -> String {
        let data = rows.flatMap { $0 }.map(String.init).joined(separator: ",")
        let body =
            #"{"inputs": [{"name": "input", "datatype": "FP32", "shape": [\#(rows.count), 1, 2, 2], "data": [\#(data)]}]}"#
        return "POST /v2/models/digits/infer HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    @Test func whoWaitsRunsWithOthersAndGetsTheOwnAnswer() throws {
        try withServer { server in
            let clients = try (0..<8).map { _ in try server.connect() }
            for (index, client) in clients.enumerated() {
                try client.send(infer([[index, 0, 0, 1]]))
                if index == 0 { SystemClock.sleep(milliseconds: 100) }
            }
            let answers = try clients.map { try $0.answer() }
            for (index, answer) in answers.enumerated() {
                #expect(answer.status == 200)
                #expect(answer.text.contains(#""data":[\#(index + 1).0,-\#(index + 1).0,0"#), "\(answer.text)")
            }
            // The first alone, since a free thread waits for nobody; then four and three.
            #expect(server.fleet.total(.runs) == 3)
            #expect(server.fleet.total(.images) == 8)
        }
    }

    @Test func severalRowsAndPixelsAreNotMixedUp() throws {
        try withServer(fastestBatch: 8) { server in
            let clients = try (0..<6).map { _ in try server.connect() }
            let digit = { (value: Int) in
                let body = #"{"images": [\#(value),0,0,0]}"#
                return "POST /inference HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
            }
            let requests = [
                infer([[9, 0, 0, 0]]), infer([[1, 1, 0, 0], [2, 2, 0, 0]]), infer([[5, 0, 0, 0]]), digit(3), digit(4),
                infer([[7, 0, 0, 0]]),
            ]
            for (index, client) in clients.enumerated() {
                try client.send(requests[index])
                SystemClock.sleep(milliseconds: index == 0 ? 100 : 5)
            }
            let texts = try clients.map { try $0.answer().text }
            #expect(texts[1].contains(#""data":[2.0,-2.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,4.0,-4.0,0"#), "\(texts[1])")
            #expect(texts[2].contains(#""data":[5.0,-5.0,0"#))
            #expect(texts[3] == "3" && texts[4] == "4")
            #expect(texts[5].contains(#""data":[7.0,-7.0,0"#))
            #expect(server.fleet.total(.runs) == 4)
        }
    }

    /// What is wrong with one request is told to it alone.
    @Test func aBadRowHarmsNoneOfThoseItRanWith() throws {
        try withServer(milliseconds: 150) { server in
            let clients = try (0..<4).map { _ in try server.connect() }
            for (index, client) in clients.enumerated() {
                try client.send(infer([[index == 2 ? -9999 : index, 0, 0, 0]]))
                if index == 0 { SystemClock.sleep(milliseconds: 50) }
            }
            #expect(try clients.map { try $0.answer().status } == [200, 200, 422, 200])
        }
    }

    /// Long work of one client is not put before the answers of others.
    @Test func imagesAreNotWaitedFor() throws {
        try withServer(milliseconds: 400) { server in
            let clients = try (0..<4).map { _ in try server.connect() }
            try clients[0].send(infer([[1, 0, 0, 0]]))
            SystemClock.sleep(milliseconds: 100)
            try clients[1].send(infer([[2, 0, 0, 0]]))
            SystemClock.sleep(milliseconds: 5)
            let image = #"{"images": ["AQID"]}"#
            try clients[2].send(
                "POST /predict/turns HTTP/1.1\r\nHost: a\r\nContent-Length: \(image.utf8.count)\r\n\r\n\(image)")
            let start = SystemClock.monotonicNanoseconds()
            _ = try clients[0].answer()
            #expect(try clients[1].answer().status == 200)
            let second = SystemClock.monotonicNanoseconds() - start
            #expect(try clients[2].answer().status == 200)
            let third = SystemClock.monotonicNanoseconds() - start
            #expect(third - second > 200_000_000, "\(second), \(third)")
        }
    }
}
