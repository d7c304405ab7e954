// SPDX-License-Identifier: MIT

import Foundation
import SystemCalls
import TestSupport
import Testing

/// The real server in both modes, and the faults it must bear.
@Suite(.serialized) struct ServerTests {
    static let modes = ["process", "thread"]

    /// Two workers in process mode, so that one can die; one of two threads in thread mode.
    private func flags(_ mode: String) -> [String] { mode == "process" ? ["--workers", "2"] : ["--threads", "2"] }

    private func start(_ mode: String, _ more: [String] = [], config: String? = nil) throws -> ServerProcess {
        try ServerProcess(mode: mode, flags(mode) + more, config: config)
    }

    @Test(arguments: modes) func servesAndTellsWhat(mode: String) throws {
        let server = try start(mode)
        for part in ["serves on unix:", "mode: \(mode), ", "usable cores", "models: mnist version", "kernels: ", " MB"]
        {
            #expect(server.errors.contains(part), "\(server.errors)")
        }
        #expect(server.workers.count == (mode == "process" ? 2 : 1))
        let answer = try server.ask("POST", "/inference", text: ServerProcess.digit)
        #expect(answer.status == 200)
        #expect(Int(answer.text) != nil)
        #expect(answer.headers["model-name"] == "mnist")
        #expect(try server.ask("GET", "/v2/health/ready").status == 200)
        let picture = try Data(contentsOf: ServerProcess.packageRoot.appending(path: "Examples/digit.png"))
        let prediction = try server.connect().ask(
            "POST", "/predict/mnist", headers: ["Content-Type: image/png"], body: Array(picture))
        #expect(prediction.status == 200, "\(prediction.text)")
        #expect(prediction.text.contains("\"success\":true"))
    }

    @Test(arguments: modes, [SignalNumber.kill, 11 /* SIGSEGV */, 4 /* SIGILL, as of a trap */])
    func aWorkerThatDiesIsReplacedAndTheCountsStay(mode: String, signal: Int32) throws {
        let server = try start(mode)
        for _ in 0..<10 { #expect(try server.ask("POST", "/inference", text: ServerProcess.digit).status == 200) }
        let before = server.workers
        // Workers that live less than a second come back later.
        SystemClock.sleep(milliseconds: 1000)
        // Each in turn, so that those that have counted are among them.
        for (count, victim) in before.enumerated() {
            victim.send(signal)
            #expect(eventually { server.workers.count == before.count && !server.workers.contains(victim) })
            #expect(eventually { try server.metric("swiftnet_workers_ready") == before.count })
            #expect(try server.ask("POST", "/inference", text: ServerProcess.digit).status == 200)
            #expect(try server.metric("swiftnet_worker_restarts_total") == count + 1)
            #expect(try server.metric("swiftnet_requests_total{route=\"inference\",code=\"200\"}") == 11 + count)
        }
    }

    @Test(arguments: modes) func workersThatDieAtOnceComeBackLaterEachTime(mode: String) throws {
        let server = try start(mode)
        let first = server.workers
        var seen = Set(first)
        let end = SystemClock.monotonicNanoseconds() + 3_000_000_000
        while SystemClock.monotonicNanoseconds() < end {
            // In process mode the first one lives, and answers below.
            for worker in server.workers where mode == "thread" || worker != first[0] {
                worker.send(SignalNumber.kill)
                seen.insert(worker)
            }
            SystemClock.sleep(milliseconds: 5)
        }
        // After 0.1, 0.2, 0.4, 0.8 and 1.6 seconds; in three seconds, sixty could start one after the other.
        #expect((3...8).contains(seen.count - first.count), "\(seen.count - first.count) started")
        #expect(eventually { try server.metric("swiftnet_workers_ready") == first.count })
        #expect(try server.ask("POST", "/inference", text: ServerProcess.digit).status == 200)
    }

    @Test(arguments: modes) func aWorkerThatHangsIsReplaced(mode: String) throws {
        let server = try start(mode, ["--timeout", "1"])
        let victim = try #require(server.workers.first)
        victim.send(SignalNumber.stop)
        try #require(eventually { !isRunning(victim) })
        #expect(eventually { try server.metric("swiftnet_workers_ready") == (mode == "process" ? 2 : 1) })
        #expect(try server.ask("POST", "/inference", text: ServerProcess.digit).status == 200)
        #expect(try server.metric("swiftnet_worker_restarts_total") == 1)
    }

    /// A request that is worked on for too long ends by itself, and costs nobody else anything.
    @Test(arguments: modes) func workStopsWhenItsTimeIsUp(mode: String) throws {
        let server = try start(mode, ["--timeout", "1", "--max-batch", "1000"])
        let before = Set(server.workers)
        let photo = try Data(contentsOf: ServerProcess.packageRoot.appending(path: "Examples/photo.jpg"))
        let image = "\"\(photo.base64EncodedString())\""
        let images = Array(repeating: image, count: 300).joined(separator: ",")
        let body = "{\"images\": [\(images)]}"
        // Those of clients that leave, too.
        let gone = try server.connect()
        try gone.send("POST /predict/rotation HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        #expect(try server.ask("POST", "/predict/rotation", text: body).status == 504)
        // The threads are free again.
        #expect(
            eventually(withinSeconds: 5) {
                try server.ask("POST", "/inference", text: ServerProcess.digit).status == 200
            })
        #expect(try server.metric("swiftnet_worker_restarts_total") == 0)
        #expect(before == Set(server.workers))
    }

    @Test(arguments: modes) func workersEndWithTheirSupervisor(mode: String) throws {
        let server = try start(mode)
        let workers = server.workers
        // Without a supervisor, nobody else ends them.
        defer { for worker in workers where isRunning(worker) { worker.send(SignalNumber.kill) } }
        #expect(!workers.isEmpty)
        // One that a worker would wait for, were its time not short.
        let unfinished = try server.connect()
        try unfinished.send("POST /inference HTTP/1.1\r\n")
        server.supervisor.send(SignalNumber.kill)
        _ = try server.wait()
        #expect(eventually(withinSeconds: 6) { workers.allSatisfy { !isRunning($0) } })
        #expect(throws: SystemError.self) { try server.connect() }
    }

    @Test(arguments: modes) func aServerThatCannotLoadEndsWithOneLine(mode: String) throws {
        let folder = try TemporaryFolder()
        try folder.write([], to: "empty/.keep")
        let repository = try makeRepository(in: folder)
        try Data("no weights".utf8).write(to: repository.appending(path: "mnist-mlp/1/model.pth"))
        // The first two are found before anything is started; the third ends the process that prepares the models, the last a
        // worker.
        let cases: [(arguments: [String], code: Int32)] = [
            (["--weights", folder.path("empty")], 66), (["--model", "no-such-model"], 66),
            (["--weights", repository.path, "--model", "mnist-mlp"], 1),
            (["--access-log", folder.path("none/log")], 1),
        ]
        for (arguments, code) in cases {
            let server = try ServerProcess(mode: mode, flags(mode) + arguments, waitsForReadiness: false)
            #expect(try server.wait() == .exited(code), "\(arguments)")
            #expect(server.errors.hasPrefix("swiftnet: "))
            #expect(server.errors.count { $0 == "\n" } == 1, "\(server.errors)")
        }
    }

    /// A model that was only found costs the others nothing; one that serves is not taken away by a reload.
    @Test(arguments: modes) func aBadModelIsNamedAndTheOthersServe(mode: String) throws {
        let folder = try TemporaryFolder()
        let repository = try makeRepository(in: folder)
        let good = repository.appending(path: "mnist-mlp")
        let bad = repository.appending(path: "bad")
        try FileManager.default.copyItem(at: good, to: bad)
        try Data("no weights".utf8).write(to: bad.appending(path: "1/model.pth"))
        let server = try ServerProcess(mode: mode, flags(mode) + ["--weights", repository.path])
        #expect(eventually { server.errors.contains("the model 'bad' is not served: ") }, "\(server.errors)")
        #expect(try server.ask("POST", "/inference", text: ServerProcess.digit).status == 200)
        let index = try server.ask("POST", "/v2/repository/index").text
        #expect(index.contains(#""name":"mnist-mlp","version":"1","state":"READY""#), "\(index)")
        #expect(index.contains(#""name":"bad","version":"","state":"UNAVAILABLE""#), "\(index)")
        // A reload is none the worse for it.
        server.supervisor.send(SignalNumber.hangUp)
        #expect(eventually { server.errors.contains("reloaded") }, "\(server.errors)")
        // But what serves must be loaded.
        try Data("no weights".utf8).write(to: good.appending(path: "1/model.pth"))
        server.supervisor.send(SignalNumber.hangUp)
        #expect(eventually { server.errors.contains("not reloaded, still serving as before") }, "\(server.errors)")
        #expect(try server.ask("POST", "/inference", text: ServerProcess.digit).status == 200)
        let named = try ServerProcess(
            mode: mode, flags(mode) + ["--weights", repository.path, "--model", "bad"], waitsForReadiness: false)
        #expect(try named.wait() == .exited(65))
    }

    @Test(arguments: modes) func terminationFinishesWhatWasAccepted(mode: String) throws {
        let server = try start(mode, ["--drain-delay", "3"])
        let load = try (0..<2).map { _ in try LoadClient(server.address) }
        SystemClock.sleep(milliseconds: 200)
        let probe = try server.connect()
        #expect(try probe.ask("GET", "/v2/health/ready").status == 200)
        server.supervisor.send(SignalNumber.terminate)
        #expect(eventually { try probe.ask("GET", "/v2/health/ready").status == 503 })
        // While readiness is off, requests are still welcome.
        #expect(try server.ask("POST", "/inference", text: ServerProcess.digit).status == 200)
        let results = load.map { $0.stop() }
        #expect(results.allSatisfy { $0.problems.isEmpty && $0.answered > 0 }, "\(results)")
        #expect(try server.wait() == .exited(0))
        #expect(throws: SystemError.self) { try server.connect() }
    }

    @Test func aSecondTerminationEndsAtOnce() throws {
        let server = try start("process", ["--drain-delay", "600"])
        server.supervisor.send(SignalNumber.terminate)
        #expect(eventually { server.errors.contains("finishing what was accepted") })
        server.supervisor.send(SignalNumber.interrupt)
        #expect(try server.wait() == .exited(1))
    }

    @Test(arguments: modes) func reloadingLosesNoRequest(mode: String) throws {
        let server = try start(mode)
        let load = try (0..<2).map { _ in try LoadClient(server.address) }
        for count in 1...5 {
            let before = Set(server.workers)
            server.supervisor.send(SignalNumber.hangUp)
            #expect(eventually { try server.metric("swiftnet_reloads_total") == count })
            #expect(eventually { before.isDisjoint(with: server.workers) })
        }
        let results = load.map { $0.stop() }
        #expect(results.allSatisfy { $0.problems.isEmpty && $0.answered > 0 }, "\(results)")
        let counted = try server.metric("swiftnet_requests_total{route=\"inference\",code=\"200\"}")
        #expect(counted == results.reduce(0) { $0 + $1.answered })
    }

    @Test(arguments: modes) func aReloadThatFailsChangesNothing(mode: String) throws {
        let server = try start(mode, config: "models = mnist\n")
        let before = server.workers
        // The last is found out by the new workers only, when the models are prepared.
        for broken in ["models = no-such-model\n", "no such line\n", "access-log = /no/such/folder/log\n"] {
            let failures = try server.metric("swiftnet_failed_reloads_total")
            try server.rewriteConfig(broken)
            server.supervisor.send(SignalNumber.hangUp)
            #expect(eventually { try server.metric("swiftnet_failed_reloads_total") == failures + 1 })
            #expect(try server.ask("POST", "/inference", text: ServerProcess.digit).status == 200)
            #expect(eventually { server.workers == before })
        }
        #expect(server.errors.contains("not reloaded, still serving as before: "))
        try server.rewriteConfig("models = mnist-mlp\n")
        server.supervisor.send(SignalNumber.hangUp)
        #expect(eventually { try server.ask("GET", "/v2/models").text == #"{"models":["mnist-mlp"]}"# })
    }

    @Test(arguments: modes) func modelsComeAndGoByRequest(mode: String) throws {
        let server = try start(mode, ["--admin"])
        #expect(try server.ask("POST", "/v2/repository/models/mnist-mlp/unload", text: "{}").status == 200)
        #expect(eventually { try server.ask("GET", "/v2/models/mnist-mlp").status == 404 })
        #expect(eventually { server.workers.count == (mode == "process" ? 2 : 1) })
        #expect(try server.ask("POST", "/v2/repository/models/mnist-mlp/load", text: "{}").status == 200)
        #expect(eventually { try server.ask("GET", "/v2/models/mnist-mlp").status == 200 })
        #expect(eventually { server.workers.count == (mode == "process" ? 2 : 1) })
        let problem = try server.ask("POST", "/v2/repository/models/none/load", text: "{}")
        #expect(problem.status == 400)
        #expect(problem.text.contains("there is no model 'none'"))
    }

    @Test func workersAreRecycledOneByOneWithoutLoss() throws {
        let server = try start("process", ["--max-requests", "40", "--max-requests-jitter", "10"])
        let before = Set(server.workers)
        let load = try LoadClient(server.address)
        #expect(eventually { before.isDisjoint(with: server.workers) })
        let (answered, problems) = load.stop()
        #expect(answered >= 80)
        #expect(problems == [])
    }

    @Test func signalsAddAndRemoveWorkers() throws {
        let server = try start("process")
        server.supervisor.send(SignalNumber.terminalInput)
        #expect(eventually { try server.metric("swiftnet_workers_ready") == 3 })
        // Signals of one kind that come together are one.
        for count in [2, 1] {
            server.supervisor.send(SignalNumber.terminalOutput)
            #expect(eventually { server.workers.count == count })
        }
        #expect(try server.ask("GET", "/healthz").status == 200)
    }

    @Test func keysAreWantedAndNotLogged() throws {
        let folder = try TemporaryFolder()
        let keys = folder.url.appending(path: "keys").path
        let log = folder.url.appending(path: "log").path
        try Data("0123456789abcdef\n".utf8).write(to: URL(filePath: keys))
        let server = try start("process", ["--api-keys", keys, "--access-log", log, "--log-format", "json"])
        #expect(try server.ask("GET", "/healthz").status == 200)
        #expect(try server.ask("GET", "/v2").headers["www-authenticate"] != nil)
        #expect(try server.ask("GET", "/v2", headers: ["access_token: 0123456789abcdeX"]).status == 401)
        let named = ["Authorization: Bearer 0123456789abcdef", "X-Request-Id: camera-7"]
        #expect(try server.ask("GET", "/v2", headers: named).status == 200)
        let text = try String(contentsOfFile: log, encoding: .utf8)
        #expect(text.count { $0 == "\n" } == 4)
        #expect(text.contains(#""method":"GET","path":"/v2","status":401"#))
        #expect(text.contains(#""id":"camera-7"}"#))
        #expect(!text.contains("0123456789"))
    }

    @Test func onlyOneServerHasAnAddressAndADeadOnesSocketIsReplaced() throws {
        let server = try start("process")
        let second = try Command.run("swiftnet", ["serve", "--bind", server.address.description])
        #expect(second.exitCode == 1)
        #expect(second.errors.contains("Address already in use"))
        #expect(try server.ask("GET", "/healthz").status == 200)
        let stale = try ServerProcess(mode: "process", ["--bind", "unix:\(server.folder.url.path)/stale"])
        let workers = stale.workers
        stale.supervisor.send(SignalNumber.kill)
        _ = try stale.wait()
        #expect(eventually { workers.allSatisfy { !isRunning($0) } })
        let next = try ServerProcess(mode: "process", ["--bind", "unix:\(server.folder.url.path)/stale"])
        #expect(try RawClient(.unix(path: "\(server.folder.url.path)/stale")).ask("GET", "/healthz").status == 200)
        withExtendedLifetime(next) {}
    }

    @Test func refusesToBeOpenByAccident() throws {
        for address in ["0.0.0.0:0", "[::]:0", "example.org:80", "127.example.org:80"] {
            let result = try Command.run("swiftnet", ["serve", "--bind", address, "--check-config"])
            #expect(result.exitCode == 64)
            #expect(result.errors.contains("--api-keys"))
        }
        #expect(
            try Command.run("swiftnet", ["serve", "--bind", "0.0.0.0:0", "--no-auth", "--check-config"]).exitCode == 0)
    }

    @Test func flagsWinOverTheEnvironmentAndThatOverTheFile() throws {
        let folder = try TemporaryFolder()
        let config = folder.url.appending(path: "config").path
        try Data("# a comment\nworkers = 5\nqueue = 7\nkeep-alive = 9\n".utf8).write(to: URL(filePath: config))
        let result = try Command.run(
            "swiftnet", ["serve", "--config", config, "--workers", "3", "--check-config"],
            environment: ["SWIFTNET_WORKERS": "4", "SWIFTNET_QUEUE": "8"])
        for line in ["workers = 3\n", "queue = 8\n", "keep-alive = 9\n", "mode = process\n"] {
            #expect(result.output.contains(line))
        }
        let wrong = try Command.run("swiftnet", ["serve", "--workers", "0"])
        #expect(wrong.exitCode == 64)
        #expect(wrong.errors.contains("workers: expected a number from 1 to 48, got '0'"))
    }

    @Test func aDaemonServesAndLeavesItsNumber() throws {
        let folder = try TemporaryFolder()
        let (socket, pid) = (folder.url.appending(path: "socket").path, folder.url.appending(path: "pid").path)
        let result = try Command.run(
            "swiftnet", ["serve", "--daemon", "--pid", pid, "--bind", "unix:\(socket)", "--workers", "1"])
        #expect(result.exitCode == 0, "\(result.errors)")
        #expect(result.errors.contains("serves on unix:"))
        let text = try String(contentsOfFile: pid, encoding: .utf8)
        let daemon = ChildProcess(id: try #require(Int32(text.dropLast())))
        #expect(try RawClient(.unix(path: socket)).ask("GET", "/healthz").status == 200)
        daemon.send(SignalNumber.terminate)
        #expect(eventually { !isRunning(daemon) })
        #expect(!FileManager.default.fileExists(atPath: pid))
        let failed = try Command.run(
            "swiftnet", ["serve", "--daemon", "--pid", pid, "--model", "none", "--bind", "unix:\(socket)"])
        #expect(failed.exitCode == 66)
        #expect(failed.errors.contains("there is no model 'none'"))
    }
}
