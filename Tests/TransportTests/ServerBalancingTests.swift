// SPDX-License-Identifier: MIT

import SystemCalls
import TestSupport
import Testing

/// New connections go where their requests are answered sooner.
@Suite(.serialized) struct ServerBalancingTests {
    private let request =
        "POST /inference HTTP/1.1\r\nHost: a\r\nContent-Length: \(RunningServer.digit.utf8.count)\r\n\r\n\(RunningServer.digit)"

    /// A server that knows how long its work takes.
    private func server(milliseconds: Int, inHandOfOther: Int?) throws -> RunningServer {
        let server = try RunningServer(milliseconds: milliseconds, inHandOfOther: inHandOfOther)
        let client = try server.connect()
        try client.send(request)
        #expect(try client.answer().text == "7")
        return server
    }

    @Test func aWorkerThatIsAtWorkGivesNewConnectionsToOneThatIsNot() throws {
        let server = try server(milliseconds: 400, inHandOfOther: 0)
        defer { server.stop() }
        let clients = try (0..<2).map { _ in try server.connect() }
        try clients[0].send(request)
        SystemClock.sleep(milliseconds: 100)
        #expect(server.givenCount == 0)
        try clients[1].send(request)
        SystemClock.sleep(milliseconds: 100)
        #expect(server.givenCount == 1)
        #expect(server.fleet.total(.handedOver) == 1)
        #expect(try clients[0].answer().text == "7")
        // Once it has nothing to do it keeps them.
        let last = try server.connect()
        try last.send(request)
        #expect(try last.answer().text == "7")
        #expect(server.givenCount == 1)
    }

    @Test func itKeepsThemWhereTheOtherHasAsMuchToDo() throws {
        let server = try server(milliseconds: 200, inHandOfOther: 1)
        defer { server.stop() }
        let clients = try (0..<3).map { _ in try server.connect() }
        for client in clients {
            try client.send(request)
            SystemClock.sleep(milliseconds: 30)
        }
        // The third has two before it here, and one there.
        #expect(server.givenCount == 1)
        for client in clients[..<2] { #expect(try client.answer().text == "7") }
    }

    @Test func whatIsInHandIsCountedDownHoweverItEnds() throws {
        let server = try server(milliseconds: 300, inHandOfOther: nil)
        defer { server.stop() }
        #expect(server.fleet.total(.inHand) == 0)
        var leaver: RawClient? = try server.connect()
        let stayer = try server.connect()
        try leaver?.send(request)
        try stayer.send(request)
        #expect(server.eventually { $0.total(.inHand) == 2 })
        leaver = nil
        #expect(server.eventually { $0.total(.inHand) == 1 })
        #expect(try stayer.answer().text == "7")
        #expect(server.eventually { $0.total(.inHand) == 0 })
    }
}
