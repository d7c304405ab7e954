// SPDX-License-Identifier: MIT

import Foundation
import SystemCalls
import TestSupport
import Testing

/// `HUP` and `swiftnet reload` against the real program.
@Suite(.serialized) struct ServerReloadTests {
    private static let modes = ["process", "thread"]

    private func reload(_ pid: String) throws -> Command.Result {
        try Command.run("swiftnet", ["reload", "--pid", pid])
    }

    @Test(arguments: modes) func aBrokenFileIsNamedAndTheOldModelServesOn(mode: String) throws {
        let folder = try TemporaryFolder()
        let repository = try makeRepository(in: folder)
        let pid = folder.url.appending(path: "pid").path
        let server = try ServerProcess(
            mode: mode, ["--weights", repository.path, "--pid", pid, "--workers", mode == "process" ? "2" : "1"])
        let ready = #"{"name":"mnist-mlp","version":"1","state":"READY","reason":""}"#
        #expect(try server.ask("POST", "/v2/repository/index").text == "[\(ready)]")
        let good = try reload(pid)
        #expect(good.exitCode == 0 && good.errors.isEmpty, "\(good.errors)")

        let file = repository.appending(path: "mnist-mlp/1/model.pth")
        let bytes = try Data(contentsOf: file)
        try Data("no weights".utf8).write(to: file)
        let bad = try reload(pid)
        #expect(bad.exitCode == 1)
        #expect(bad.errors.hasPrefix("swiftnet: not reloaded, still serving as before: "), "\(bad.errors)")
        #expect(bad.errors.count { $0 == "\n" } == 1)
        #expect(try server.ask("POST", "/inference", text: ServerProcess.digit).status == 200)
        #expect(
            eventually {
                let index = try server.ask("POST", "/v2/repository/index", text: "{}").text
                return index.hasPrefix(
                    "[\(ready)," + #"{"name":"mnist-mlp","version":"","state":"UNAVAILABLE","reason":""#)
            })
        #expect(try server.ask("POST", "/v2/repository/index", text: #"{"ready":true}"#).text == "[\(ready)]")
        // A worker that comes later knows it too.
        for worker in server.workers { worker.send(SignalNumber.kill) }
        #expect(
            eventually { try server.ask("POST", "/v2/repository/index").text.contains("UNAVAILABLE") })

        // When it is whole again, nothing is left of it.
        try bytes.write(to: file)
        let again = try reload(pid)
        #expect(again.exitCode == 0, "\(again.errors)")
        #expect(eventually { try server.ask("POST", "/v2/repository/index").text == "[\(ready)]" })
    }

    @Test(arguments: modes) func theOldWorkersServeUntilAllNewOnesDo(mode: String) throws {
        let count = mode == "process" ? 2 : 1
        let server = try ServerProcess(mode: mode, ["--workers", "\(count)"])
        var wasSeen = false
        // A new worker is stopped while it starts. One that was quicker than this test finishes its reload: again then.
        for _ in 0..<10 where !wasSeen {
            let old = Set(server.workers)
            let reloads = try server.metric("swiftnet_reloads_total")
            server.supervisor.send(SignalNumber.hangUp)
            let slow = try #require(firstWorker(of: server, besides: old))
            slow.send(SignalNumber.stop)
            // The other one is ready soon.
            SystemClock.sleep(milliseconds: 1500)
            wasSeen =
                try server.metric("swiftnet_reloads_total") == reloads
                && server.metric("swiftnet_workers_ready") == 2 * count - 1 && old.isSubset(of: server.workers)
            slow.send(SignalNumber.resume)
            #expect(eventually { try server.metric("swiftnet_reloads_total") == reloads + 1 })
            #expect(eventually { server.workers.count == count && old.isDisjoint(with: server.workers) })
        }
        #expect(wasSeen)
    }

    /// The first worker that appears, as soon as it is there; the process that prepares its models is none.
    private func firstWorker(of server: ServerProcess, besides known: Set<ChildProcess>) -> ChildProcess? {
        let end = SystemClock.monotonicNanoseconds() + 20_000_000_000
        while SystemClock.monotonicNanoseconds() < end {
            for worker in server.workers where !known.contains(worker) {
                let environment = (try? String(contentsOfFile: "/proc/\(worker.id)/environ", encoding: .utf8)) ?? ""
                if environment.contains("SWIFTNET_WORKER_SLOT=") { return worker }
            }
            SystemClock.sleep(milliseconds: 1)
        }
        return nil
    }

    @Test(arguments: modes) func theNumberOfWorkersChanges(mode: String) throws {
        let count = { (workers: Int, threads: Int) in "workers = \(workers)\nthreads = \(threads)\n" }
        let server = try ServerProcess(mode: mode, config: count(1, 1))
        let load = try LoadClient(server.address)
        for (workers, threads) in [(3, 1), (1, 2), (2, 1)] {
            try server.rewriteConfig(count(workers, threads))
            server.supervisor.send(SignalNumber.hangUp)
            #expect(eventually { server.errors.contains("workers: \(workers), threads of each: \(threads)") })
            #expect(eventually { server.workers.count == workers })
        }
        let (answered, problems) = load.stop()
        #expect(problems == [] && answered > 0)
        // What signals added stays while the settings say nothing new.
        server.supervisor.send(SignalNumber.terminalInput)
        #expect(eventually { try server.metric("swiftnet_workers_ready") == 3 })
        let before = Set(server.workers)
        server.supervisor.send(SignalNumber.hangUp)
        #expect(eventually { server.workers.count == 3 && before.isDisjoint(with: server.workers) })
    }

    @Test(arguments: modes) func addressesComeAndGo(mode: String) throws {
        let folder = try TemporaryFolder()
        let sockets = ["a", "b", "c"].map { folder.url.appending(path: $0).path }
        let bind = { (sockets: [String]) in
            "workers = 1\nbind = \(sockets.map { "unix:\($0)" }.joined(separator: ","))\n"
        }
        let server = try ServerProcess(mode: mode, config: bind([sockets[0], sockets[1]]), bindsByFlag: false)
        let load = try LoadClient(.unix(path: sockets[1]))
        #expect(try RawClient(.unix(path: sockets[0])).ask("GET", "/healthz").status == 200)
        try server.rewriteConfig(bind([sockets[1], sockets[2]]))
        server.supervisor.send(SignalNumber.hangUp)
        #expect(eventually { server.errors.contains("reloaded; serves on unix:\(sockets[1]), unix:\(sockets[2])") })
        #expect(try RawClient(.unix(path: sockets[2])).ask("GET", "/healthz").status == 200)
        #expect(eventually { !FileManager.default.fileExists(atPath: sockets[0]) })

        // An address that can't be had changes nothing.
        try server.rewriteConfig(bind([sockets[2], folder.url.appending(path: "none/x").path]))
        server.supervisor.send(SignalNumber.hangUp)
        #expect(eventually { server.errors.contains("not reloaded, still serving as before: ") })
        for socket in sockets[1...] {
            #expect(try RawClient(.unix(path: socket)).ask("GET", "/healthz").status == 200)
        }
        let (answered, problems) = load.stop()
        #expect(problems == [] && answered > 0)
        server.supervisor.send(SignalNumber.terminate)
        #expect(try server.wait() == .exited(0))
        #expect(sockets.allSatisfy { !FileManager.default.fileExists(atPath: $0) })
    }

    @Test func reloadNeedsAServerOfItsOwn() throws {
        let folder = try TemporaryFolder()
        let pid = folder.url.appending(path: "pid").path
        #expect(try Command.run("swiftnet", ["reload"]).exitCode == 64)
        #expect(try reload(pid).exitCode == 1)
        for text in ["", "x\n", "0\n", "-1\n", "1\n"] {
            try Data(text.utf8).write(to: URL(filePath: pid))
            #expect(try reload(pid).errors.hasPrefix("swiftnet: \(pid) holds no process number; name the file that "))
        }
        // This process is no server, and must not be sent a signal that would end it.
        try Data("\(ProcessInfo.processInfo.processIdentifier)\n".utf8).write(to: URL(filePath: pid))
        #expect(try reload(pid).errors.contains("which is no server of this file"))
    }
}
