// SPDX-License-Identifier: MIT

import Foundation
import SystemCalls
import TestSupport
import Testing

/// What an operator fears, in short, against the real server in both modes. `Tools/soak` has the long forms.
@Suite(.serialized) struct ServerFaultTests {
    static let modes = ["process", "thread"]

    private func start(_ mode: String, _ more: [String] = []) throws -> ServerProcess {
        let layout = mode == "process" ? ["--workers", "2"] : ["--threads", "2"]
        return try ServerProcess(mode: mode, layout + more)
    }

    // MARK: Files

    @Test(arguments: modes, ["replaced", "truncated", "deleted"])
    func aServerNeedsItsFilesNoMore(mode: String, what: String) throws {
        let folder = try TemporaryFolder()
        let weights = folder.url.appending(path: "Weights")
        try FileManager.default.copyItem(at: ServerProcess.packageRoot.appending(path: "Weights"), to: weights)
        let file = weights.appending(path: "mnist/2/model.pth")
        let server = try start(mode, ["--weights", weights.path])
        let before = try server.ask("POST", "/inference", text: ServerProcess.digit).text
        switch what {
        case "replaced": try Data(count: 2_401_208).write(to: file, options: .atomic)
        case "truncated": try FileHandle(forWritingTo: file).truncate(atOffset: 100)
        default: try FileManager.default.removeItem(at: file)
        }
        let victims = server.workers
        SystemClock.sleep(milliseconds: 1000)
        for victim in victims { victim.send(SignalNumber.kill) }
        #expect(eventually { Set(server.workers).isDisjoint(with: victims) && !server.workers.isEmpty })
        #expect(try server.ask("POST", "/inference", text: ServerProcess.digit).text == before)
        server.supervisor.send(SignalNumber.hangUp)
        #expect(eventually { try server.metric("swiftnet_failed_reloads_total") == 1 })
        #expect(try server.ask("POST", "/inference", text: ServerProcess.digit).text == before)
    }

    // MARK: Connections

    @Test(arguments: modes) func wantOfDescriptorsIsBorne(mode: String) throws {
        // One worker: of several, any may take most connections, and another none too many.
        let server = try ServerProcess(mode: mode, ["--workers", "1"], descriptorLimit: 64)
        // Each new connection takes the place of the one that has been silent for the longest.
        let silent = try (0..<200).map { _ in try server.connect() }
        #expect(try server.ask("POST", "/inference", text: ServerProcess.digit).status == 200)
        #expect(silent[0].isClosedByServer())
        #expect(try server.metric("swiftnet_worker_restarts_total") == 0)
    }

    @Test(arguments: modes) func idleConnectionsAreClosed(mode: String) throws {
        let server = try start(mode, ["--keep-alive", "1"])
        let idle = try (0..<300).map { _ in try server.connect() }
        for client in idle { #expect(try client.ask("GET", "/healthz").status == 200) }
        #expect(idle.allSatisfy { $0.isClosedByServer() })
        #expect(eventually { try server.metric("swiftnet_connections") <= 1 })
    }

    @Test(arguments: modes) func clientsLeaveAtEachByte(mode: String) throws {
        let server = try start(mode)
        let body = #"{"images": [1,2,3]}"#
        let request = Array(
            "POST /inference HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8)
        let load = try LoadClient(server.address)
        for end in 0...request.count {
            try server.connect().send(Array(request[..<end]))
            let finished = try server.connect()
            try finished.send(Array(request[..<end]))
            finished.finish()
            // The whole request is answered although its client sends no more: it is refused for its few numbers.
            if end == request.count {
                let answer = try finished.answer()
                #expect(try (answer.status == 100 ? finished.answer() : answer).status == 400)
            }
            #expect(finished.isClosedByServer())
        }
        let result = load.stop()
        #expect(result.problems.isEmpty && result.answered > 0, "\(result)")
        #expect(eventually { try server.metric("swiftnet_connections") <= 1 })
        #expect(try server.metric("swiftnet_worker_restarts_total") == 0)
    }

    // MARK: Requests

    @Test(arguments: modes) func thePipelineEndsAtTheBrokenRequest(mode: String) throws {
        let server = try start(mode)
        let client = try server.connect()
        let request =
            "POST /inference HTTP/1.1\r\nHost: a\r\nContent-Length: \(ServerProcess.digit.utf8.count)\r\n\r\n"
            + ServerProcess.digit
        try client.send(String(repeating: request, count: 100) + "BROKEN\r\n\r\n" + request)
        for _ in 0..<100 { #expect(try client.answer().status == 200) }
        #expect(try client.answer().status == 400)
        #expect(client.isClosedByServer())
        #expect(try server.images() == 100)
    }

    /// Requests whose end a lenient reader could see elsewhere.
    static let ambiguous = [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n\r\n12345", "Content-Length: 5, 5\r\n\r\n12345",
        "Content-Length: +5\r\n\r\n12345", "Content-Length : 5\r\n\r\n12345", "Content_Length: 5\r\n\r\n12345",
        "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n0\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n1\r\nxyz\r\n0\r\n\r\n", "X: a\r\n b\r\n\r\n", "X: a\rb\r\n\r\n",
        "Host: other\r\n\r\n",
    ]

    @Test(arguments: modes) func nothingBehindAnAmbiguousRequestIsExecuted(mode: String) throws {
        let server = try start(mode)
        let hidden =
            "POST /inference HTTP/1.1\r\nHost: a\r\nContent-Length: \(ServerProcess.digit.utf8.count)\r\n\r\n"
            + ServerProcess.digit
        for rest in Self.ambiguous {
            let client = try server.connect()
            try client.send("POST /inference HTTP/1.1\r\nHost: a\r\n\(rest)\(hidden)")
            let answer = try client.answer()
            #expect((400...505).contains(answer.status), "\(rest)")
            #expect(answer.headers["connection"] == "close")
            #expect(client.isClosedByServer(), "\(rest)")
        }
        #expect(try server.images() == 0)
    }

    @Test(arguments: modes) func bodiesAboveTheLimitAreRefusedUnread(mode: String) throws {
        let server = try start(mode, ["--max-body-bytes", "100000"])
        for framing in [
            "Content-Length: 100001\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n186a1\r\n",
            "Expect: 100-continue\r\nContent-Length: 100001\r\n\r\n",
        ] {
            let client = try server.connect()
            try client.send("POST /inference HTTP/1.1\r\nHost: a\r\n\(framing)")
            #expect(try client.answer().status == 413)
            #expect(client.isClosedByServer())
        }
        let bomb = try #require(Data(base64Encoded: Self.bomb))
        let gzip = ["Content-Encoding: gzip"]
        #expect(try server.connect().ask("POST", "/inference", headers: gzip, body: Array(bomb)).status == 413)
    }

    /// 200,000 zeros, compressed by gzip.
    private static let bomb =
        "H4sIAAAAAAACA+3BMQEAAADCoPVPbQZ/oAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        + "AAAAAAAAAAAAAAAAAAAACA1wB7WOBcQA0DAA=="

    // MARK: Logs

    @Test(arguments: modes) func aLogThatCannotBeWrittenStopsNothing(mode: String) throws {
        let full = try start(mode, ["--access-log", "/dev/full"])
        for _ in 0..<5 { #expect(try full.ask("POST", "/inference", text: ServerProcess.digit).status == 200) }
        #expect(try full.metric("swiftnet_log_lines_dropped_total") >= 5)
        // A pipe that nobody reads takes 64 KiB; one that nobody could read, nothing.
        let folder = try TemporaryFolder()
        let pipe = folder.path("pipe")
        #expect(mkfifo(pipe, 0o600) == 0)
        let reader = try FileDescriptor.open(pipe, O_RDWR)
        let stalled = try start(mode, ["--access-log", pipe])
        let client = try stalled.connect()
        for _ in 0..<2000 { #expect(try client.ask("GET", "/healthz").status == 200) }
        #expect(try stalled.metric("swiftnet_log_lines_dropped_total") > 0)
        withExtendedLifetime(reader) {}
        stalled.supervisor.send(SignalNumber.terminate)
        #expect(try stalled.wait() == .exited(0))
    }

    // MARK: Places

    @Test(arguments: modes) func aServerThatEndsLeavesItsSuccessorsSocket(mode: String) throws {
        let first = try start(mode)
        guard case .unix(let path) = first.address else { return }
        try FileManager.default.removeItem(atPath: path)
        let second = try start(mode, ["--bind", first.address.description])
        first.supervisor.send(SignalNumber.terminate)
        #expect(try first.wait() == .exited(0))
        #expect(try RawClient(first.address).ask("GET", "/healthz").status == 200)
        withExtendedLifetime(second) {}
    }

    @Test(arguments: modes) func onePortHasOneServer(mode: String) throws {
        let server = try start(mode, ["--bind", "127.0.0.1:0"])
        let text = try #require(server.errors.split(separator: "127.0.0.1:").last)
        let port = try #require(UInt16(text.prefix { $0.isNumber }))
        #expect(try RawClient(port: port).ask("GET", "/healthz").status == 200)
        let second = try Command.run("swiftnet", ["serve", "--mode", mode, "--bind", "127.0.0.1:\(port)"])
        #expect(second.exitCode == 1)
        #expect(
            second.errors == "swiftnet: bind 127.0.0.1:\(port): Address already in use; "
                + "another program listens there; --bind names another address\n")
        #expect(try RawClient(port: port).ask("GET", "/healthz").status == 200)
    }

    private static let mayUnshare =
        (try? Command.run(path: "/usr/bin/unshare", ["--pid", "--fork", "--mount-proc", "true"]).exitCode) == 0

    @Test(.enabled(if: mayUnshare, "only root may make a process 1"), arguments: modes)
    func processOneServesAndEnds(mode: String) throws {
        let server = try ServerProcess(
            mode: mode, ["--workers", "1"], prefix: ["/usr/bin/unshare", "--pid", "--fork", "--mount-proc"])
        #expect(try server.ask("POST", "/inference", text: ServerProcess.digit).status == 200)
        let first = try #require(server.workers.first)
        for (count, signal) in [SignalNumber.hangUp, SignalNumber.hangUp].enumerated() {
            first.send(signal)
            #expect(eventually { try server.metric("swiftnet_reloads_total") == count + 1 })
        }
        first.send(SignalNumber.terminate)
        #expect(try server.wait() == .exited(0))
    }
}
