// SPDX-License-Identifier: MIT

import Foundation
import SystemCalls
import TestSupport
import Testing

/// HTTP/2 against the real program.
@Suite(.serialized) struct ServerHTTP2Tests {
    private static let modes = ["process", "thread"]
    private let digit = Array(ServerProcess.digit.utf8)

    /// A client that asks one request after the other, and goes to a new connection when it is told to.
    private final class Client {
        private let address: SocketAddress
        private var connection: HTTP2Client?
        private var stream: UInt32 = 1
        private(set) var reconnections = 0

        init(_ address: SocketAddress) { self.address = address }

        /// Asks; again on a new connection if the server said that it has not taken the request up.
        func ask(_ method: String, _ path: String, body: [UInt8] = []) throws -> HTTP2Client.Answer {
            for _ in 0..<5 {
                let connection = try connection ?? HTTP2Client(address)
                self.connection = connection
                let answer = try? connection.ask(stream, method, path, body: body)
                let isRefused = connection.goAwayStream.map { $0 < stream } ?? false
                stream += 2
                if connection.goAwayCode != nil || answer == nil {
                    self.connection = nil
                    stream = 1
                    reconnections += 1
                }
                if let answer, answer.status != nil { return answer }
                guard isRefused else { break }
            }
            throw RawClient.Failure.closed("a request that was taken up got no answer")
        }
    }

    @Test(arguments: modes) func requestsAreNotLostWhenSettingsAreReadAgain(mode: String) throws {
        let server = try ServerProcess(mode: mode, ["--workers", mode == "process" ? "2" : "1"])
        let client = Client(server.address)
        for round in 0..<3 {
            let reloads = try server.metric("swiftnet_reloads_total")
            server.supervisor.send(SignalNumber.hangUp)
            // The old worker tells its clients to go, and answers until they do.
            var count = 0
            while count < 30 || (try? server.metric("swiftnet_reloads_total")) ?? 0 == reloads, count < 3000 {
                let answer = try client.ask("POST", "/inference", body: digit)
                #expect(answer.status == 200, "round \(round): \(answer)")
                count += 1
            }
            #expect(eventually { try client.ask("GET", "/v2").status == 200 && client.reconnections > round })
        }
    }

    @Test(arguments: modes) func attacksOnOneConnectionCostNobodyElseAnything(mode: String) throws {
        let server = try ServerProcess(mode: mode, ["--workers", mode == "process" ? "2" : "1"])
        let load = try LoadClient(server.address)
        let old = Set(server.workers)
        let head = HTTP2Client.block(HTTP2Client.fields("GET", "/v2/health/live"))
        let table: [UInt8] = [0x40, 1, UInt8(ascii: "a"), 0x7F, 0xBD, 0x1D] + [UInt8](repeating: 97, count: 3900)
        let attacks: [(name: String, frames: (Int) -> [UInt8])] = [
            (
                "rapid reset",
                { index in
                    let stream = UInt32(1 + 2 * index)
                    return HTTP2Client.frame(1, flags: 5, stream: stream, payload: head)
                        + HTTP2Client.frame(3, stream: stream, payload: HTTP2Client.bytes(8))
                }
            ),
            (
                "HPACK bomb",
                { index in
                    HTTP2Client.frame(
                        1, flags: 5, stream: UInt32(1 + 2 * index),
                        payload: head + (index == 0 ? table : [])
                            + [UInt8](repeating: 0xBE, count: index == 0 ? 0 : 8000))
                }
            ),
            (
                "continuations",
                { index in
                    index == 0 ? HTTP2Client.frame(1, stream: 1, payload: head) : HTTP2Client.frame(9, stream: 1)
                }
            ),
            ("pings", { _ in HTTP2Client.frame(6, payload: [UInt8](repeating: 0, count: 8)) }),
            ("settings", { _ in HTTP2Client.frame(4) }),
            (
                "empty data",
                { index in
                    index == 0
                        ? HTTP2Client.frame(1, flags: 4, stream: 1, payload: head) : HTTP2Client.frame(0, stream: 1)
                }
            ),
        ]
        for (name, frames) in attacks {
            let client = try HTTP2Client(server.address)
            for start in stride(from: 0, to: 4000, by: 50) {
                guard (try? client.send((start..<(start + 50)).flatMap(frames))) != nil else { break }
            }
            #expect(client.isClosedByServer(), "\(name)")
        }
        let (answered, problems) = load.stop()
        #expect(answered > 0 && problems.isEmpty, "\(problems)")
        #expect(Set(server.workers) == old)
    }

    @Test func newConnectionsAreSpread() throws {
        let server = try ServerProcess(mode: "process", ["--workers", "2"])
        let clients = try (0..<12).map { _ in
            let client = try HTTP2Client(server.address)
            #expect(try client.ask(1, "GET", "/v2/health/live").status == 200)
            return client
        }
        let counts = try (0..<2).map { try server.metric("swiftnet_worker_connections{worker=\"\($0)\"}") }
        #expect(counts.allSatisfy { $0 >= 4 }, "\(counts)")
        for client in clients { #expect(try client.ask(3, "POST", "/inference", body: digit).status == 200) }
    }

    @Test func aWorkerThatDiesTakesItsOwnStreamsAlone() throws {
        let server = try ServerProcess(mode: "process", ["--workers", "2"])
        let clients = (0..<6).map { _ in Client(server.address) }
        for client in clients { #expect(try client.ask("POST", "/inference", body: digit).status == 200) }
        try #require(server.workers.first).send(SignalNumber.kill)
        let failures = clients.filter { (try? $0.ask("POST", "/inference", body: digit))?.status != 200 }
        #expect(failures.count <= 4)
        for client in clients {
            #expect(eventually { try client.ask("POST", "/inference", body: digit).status == 200 })
        }
    }
}
