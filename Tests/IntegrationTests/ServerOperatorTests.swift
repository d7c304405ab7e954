// SPDX-License-Identifier: MIT

import Foundation
import SystemCalls
import TestSupport
import Testing

/// What those who run the server ask of it, of the real one in both modes.
@Suite(.serialized) struct ServerOperatorTests {
    static let modes = ["process", "thread"]

    private func start(_ mode: String, _ more: [String] = [], prefix: [String] = []) throws -> ServerProcess {
        let layout = mode == "process" ? ["--workers", "2"] : ["--threads", "2"]
        return try ServerProcess(mode: mode, layout + more, prefix: prefix)
    }

    private func text(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }

    // MARK: Signals

    /// As systemd sends it, to all processes of the service.
    @Test(arguments: modes) func termOfTheGroupDrainsAfterItsDelay(mode: String) throws {
        let server = try start(mode, ["--drain-delay", "2"], prefix: ["/usr/bin/setsid"])
        for process in server.workers + [server.supervisor] { process.send(SignalNumber.terminate) }
        SystemClock.sleep(milliseconds: 500)
        #expect(try server.ask("POST", "/inference", text: ServerProcess.digit).status == 200)
        #expect(try server.ask("GET", "/v2/health/ready").status == 503)
        #expect(try server.wait() == .exited(0))
    }

    /// As a virtual machine does that is moved.
    @Test(arguments: modes) func aPauseOfAllIsNobodysFault(mode: String) throws {
        let server = try start(mode, ["--timeout", "1"])
        let all = server.workers + [server.supervisor]
        for process in all { process.send(SignalNumber.stop) }
        SystemClock.sleep(milliseconds: 3500)
        for process in all { process.send(SignalNumber.resume) }
        SystemClock.sleep(milliseconds: 800)
        #expect(try server.ask("POST", "/inference", text: ServerProcess.digit).status == 200)
        #expect(try server.metric("swiftnet_worker_restarts_total") == 0)
        #expect(!server.errors.contains("hangs"))
    }

    @Test(arguments: modes) func logsAreOpenedAnew(mode: String) throws {
        let folder = try TemporaryFolder()
        let (access, error) = (folder.path("access"), folder.path("error"))
        let server = try ServerProcess(
            mode: mode, ["--access-logfile", access, "--error-logfile", error, "--workers", "1"],
            waitsForReadiness: false)
        #expect(eventually { text(error).contains("[INFO] memory:") })
        _ = try server.ask("GET", "/healthz")
        #expect(eventually { text(access).contains("/healthz") })
        for path in [access, error] { try FileManager.default.moveItem(atPath: path, toPath: path + ".1") }
        server.supervisor.send(SignalNumber.user1)
        #expect(eventually { text(error).contains("opened anew") })
        #expect(
            eventually {
                _ = try server.ask("GET", "/v2/health/live")
                return text(access).contains("/v2/health/live")
            })
        #expect(!text(access + ".1").contains("opened anew"))
    }

    @Test(arguments: modes) func aProgramIsUpgradedWithoutLoss(mode: String) throws {
        let folder = try TemporaryFolder()
        let pid = folder.path("pid")
        let server = try start(mode, ["--pid", pid])
        let load = try LoadClient(server.address)
        server.supervisor.send(SignalNumber.user2)
        #expect(eventually { server.errors.contains("serves beside this one") })
        let second = try #require(Int32(text(pid + ".2").split(separator: "\n").first ?? ""))
        let successor = ChildProcess(id: second)
        defer { if isRunning(successor) { successor.send(SignalNumber.kill) } }
        #expect(second != server.supervisor.id && text(pid) == "\(server.supervisor.id)\n")
        server.supervisor.send(SignalNumber.terminate)
        #expect(try server.wait() == .exited(0))
        #expect(eventually { text(pid) == "\(second)\n" && !FileManager.default.fileExists(atPath: pid + ".2") })
        SystemClock.sleep(milliseconds: 300)
        let result = load.stop()
        #expect(result.problems.isEmpty && result.answered > 0, "\(result)")
        #expect(try server.ask("POST", "/inference", text: ServerProcess.digit).status == 200)
        successor.send(SignalNumber.terminate)
        #expect(eventually { !isRunning(successor) })
        #expect(!FileManager.default.fileExists(atPath: pid))
    }

    @Test(arguments: modes) func anUpgradeIsTakenBack(mode: String) throws {
        let server = try start(mode)
        let load = try LoadClient(server.address)
        server.supervisor.send(SignalNumber.user2)
        #expect(eventually { server.errors.contains("serves beside this one") })
        let successor = try #require(server.workers.first { isServer($0) })
        successor.send(SignalNumber.terminate)
        #expect(eventually { server.errors.contains("which was to follow this one, ended with exit code 0") })
        let result = load.stop()
        #expect(result.problems.isEmpty && result.answered > 0, "\(result)")
        #expect(try server.ask("POST", "/inference", text: ServerProcess.digit).status == 200)
    }

    /// The older server stays ready without workers until it is known whether the newer one is any good.
    @Test(arguments: modes) func anOlderServerRestsAndComesBack(mode: String) throws {
        let server = try start(mode)
        let old = server.workers
        // Nothing of the kind without a newer server: a terminal's window may have changed.
        server.supervisor.send(SignalNumber.windowChange)
        let load = try LoadClient(server.address)
        server.supervisor.send(SignalNumber.user2)
        #expect(eventually { server.errors.contains("serves beside this one") })
        #expect(old.allSatisfy(isRunning))
        let successor = try #require(server.workers.first { isServer($0) && !old.contains($0) })
        server.supervisor.send(SignalNumber.windowChange)
        #expect(eventually { !old.contains(where: isRunning) })
        #expect(isRunning(server.supervisor))
        server.supervisor.send(SignalNumber.hangUp)
        #expect(eventually { server.errors.contains("reloaded") })
        server.supervisor.send(SignalNumber.windowChange)
        #expect(eventually { server.workers.count == 1 })
        successor.send(SignalNumber.terminate)
        #expect(eventually { server.errors.contains("ended with exit code 0") })
        #expect(eventually { server.workers.count == old.count })
        SystemClock.sleep(milliseconds: 300)
        let result = load.stop()
        #expect(result.problems.isEmpty && result.answered > 0, "\(result)")
        #expect(try server.ask("POST", "/inference", text: ServerProcess.digit).status == 200)
    }

    private func isServer(_ process: ChildProcess) -> Bool {
        text("/proc/\(process.id)/cmdline").split(separator: "\0").contains("serve")
    }

    // MARK: Keys

    /// Between two reloads all workers have the same keys, whatever becomes of the file.
    @Test(arguments: modes) func keysAreReadOnceForEachReload(mode: String) throws {
        let folder = try TemporaryFolder()
        let file = folder.path("keys")
        try Data("old-key-old-key-old\n".utf8).write(to: URL(filePath: file))
        let server = try start(mode, ["--api-keys", file])
        func ask(_ key: String) throws -> Int {
            try server.ask("POST", "/inference", headers: ["access_token: \(key)"], text: ServerProcess.digit).status
        }
        for content in ["new-key-new-key-new\n", nil] {
            if let content {
                try Data(content.utf8).write(to: URL(filePath: file))
            } else {
                try FileManager.default.removeItem(atPath: file)
            }
            SystemClock.sleep(milliseconds: 1000)
            let victims = server.workers
            for victim in victims { victim.send(SignalNumber.kill) }
            #expect(
                eventually { try Set(server.workers).isDisjoint(with: victims) && ask("old-key-old-key-old") == 200 })
            for _ in 0..<4 { #expect(try ask("new-key-new-key-new") == 401) }
        }
        server.supervisor.send(SignalNumber.hangUp)
        #expect(eventually { server.errors.contains("not reloaded, still serving as before") })
        try Data("new-key-new-key-new\n".utf8).write(to: URL(filePath: file))
        server.supervisor.send(SignalNumber.hangUp)
        #expect(eventually { try ask("new-key-new-key-new") == 200 && ask("old-key-old-key-old") == 401 })
    }

    // MARK: Workers and connections

    @Test(arguments: [8, 32, 200]) func connectionsAreSpread(count: Int) throws {
        let server = try ServerProcess(mode: "process", ["--workers", "2", "--keep-alive", "60"])
        let clients = try (0..<count).map { _ in try server.connect() }
        #expect(
            eventually(withinSeconds: 5) {
                let lines = try server.ask("GET", "/metrics").text.split(separator: "\n")
                let counts = lines.filter { $0.hasPrefix("swiftnet_worker_connections{") }.compactMap {
                    $0.split(separator: " ").last.flatMap { Int($0) }
                }
                return counts.count == 2 && (counts.max() ?? 0) <= 2 * (counts.min() ?? 0)
            })
        for client in clients { #expect(try client.ask("GET", "/healthz").status == 200) }
    }

    /// Clients that open a connection for each request find all workers, not the one that the kernel wakes.
    @Test func newConnectionsGoToWhoHasLessToDo() throws {
        let server = try ServerProcess(mode: "process", ["--workers", "2"])
        let photo = try Array(Data(contentsOf: URL(filePath: packageFolder + "/Examples/photo.jpg")))
        let address = server.address
        let clients = try (0..<4).map { _ in
            try SystemCalls.Thread {
                for _ in 0..<15 {
                    let answer = try? RawClient(address).ask(
                        "POST", "/predict/rotation", headers: ["Content-Type: image/jpeg"], body: photo)
                    #expect(answer?.status == 200)
                }
            }
        }
        for client in clients { client.join() }
        #expect(try server.metric("swiftnet_connections_handed_over_total") > 0)
    }

    @Test(arguments: modes) func thereAreNeverMoreWorkersThanAskedFor(mode: String) throws {
        let server = try start(mode, ["--max-requests", "20"])
        let wanted = server.workers.count
        for _ in 0..<100 { #expect(try server.ask("POST", "/inference", text: ServerProcess.digit).status == 200) }
        // Once the last that was due has been replaced, it stays so.
        #expect(
            eventually {
                guard server.workers.count == wanted else { return false }
                SystemClock.sleep(milliseconds: 1500)
                return server.workers.count == wanted
            })
    }

    @Test(arguments: modes) func metricsAreReadAtTheirOwnAddress(mode: String) throws {
        let folder = try TemporaryFolder()
        let socket = folder.path("metrics")
        let server = try start(mode, ["--metrics-bind", "unix:\(socket)", "--socket-mode", "600"])
        let metrics = try RawClient(.unix(path: socket)).ask("GET", "/metrics")
        #expect(metrics.status == 200 && metrics.text.contains("swiftnet_worker_private_bytes{worker=\"0\"}"))
        #expect(try server.ask("GET", "/metrics").status == 404)
        #expect(try RawClient(.unix(path: socket)).ask("POST", "/inference", text: ServerProcess.digit).status == 404)
        let mode = try FileManager.default.attributesOfItem(atPath: socket)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    // MARK: Files

    @Test(arguments: modes) func theFirstServerKeepsItsPIDFile(mode: String) throws {
        let folder = try TemporaryFolder()
        let pid = folder.path("pid")
        let server = try start(mode, ["--pid", pid])
        let text = text(pid)
        for path in [pid, folder.path("link")] {
            if path != pid { try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: pid) }
            let second = try ServerProcess(mode: mode, ["--pid", path], waitsForReadiness: false)
            #expect(try second.wait() != .exited(0))
            #expect(second.errors.split(separator: "\n").count == 1, "\(second.errors)")
        }
        #expect(self.text(pid) == text)
        #expect(try server.ask("GET", "/healthz").status == 200)
    }

    @Test(arguments: modes) func aDaemonTellsWhatHappens(mode: String) throws {
        let folder = try TemporaryFolder()
        let pid = folder.path("pid")
        let flags = ["serve", "--mode", mode, "-D", "-p", pid, "--bind", "unix:\(folder.path("socket"))"]
        let started = try Command.run("swiftnet", flags + ["--workers", "1"])
        #expect(started.exitCode == 0 && started.errors.contains("memory:"), "\(started.errors)")
        let supervisor = ChildProcess(id: try #require(Int32(text(pid).split(separator: "\n").first ?? "")))
        defer { supervisor.send(SignalNumber.kill) }
        let children = text("/proc/\(supervisor.id)/task/\(supervisor.id)/children").split(separator: " ")
        for child in children.compactMap({ Int32($0) }) { ChildProcess(id: child).send(SignalNumber.kill) }
        #expect(eventually { text(pid + ".log").contains("starting another") })
        // The second one says why it does not start, although it has left the terminal.
        let second = try Command.run(
            "swiftnet",
            ["serve", "--daemon", "--error-logfile", folder.path("log"), "--bind", "unix:\(folder.path("socket"))"])
        #expect(second.exitCode != 0 && second.errors.contains("in use"), "\(second.errors)")
        #expect(try Command.run("swiftnet", ["serve", "--daemon"]).exitCode == 64)
        supervisor.send(SignalNumber.terminate)
        #expect(eventually { !isRunning(supervisor) })
    }
}
