// SPDX-License-Identifier: MIT

import Foundation
import SystemCalls
import TestSupport

/// `swiftnet serve` on a socket of its own, ended with its owner.
final class ServerProcess {
    let supervisor: ChildProcess
    let address: SocketAddress
    let folder: TemporaryFolder
    private var ending: ChildProcess.Ending?

    /// Starts the server and waits until it is ready.
    ///
    /// - Parameters:
    ///   - arguments: Flags besides the address.
    ///   - config: The text of a configuration file; it can be rewritten with ``rewriteConfig(_:)``.
    ///   - bindsByFlag: Whether it listens on ``address``; else the configuration says where.
    ///   - descriptorLimit: How many descriptors a process may have.
    ///   - prefix: A program, and its arguments, that starts the server as its last ones tell.
    init(
        mode: String, _ arguments: [String] = [], config: String? = nil, bindsByFlag: Bool = true,
        descriptorLimit: Int? = nil, prefix: [String] = [], waitsForReadiness: Bool = true
    ) throws {
        folder = try TemporaryFolder()
        let socket = folder.url.appending(path: "socket").path
        address = .unix(path: socket)
        var flags = (bindsByFlag ? ["--bind", "unix:\(socket)"] : []) + ["--mode", mode]
        if let config {
            try Data(config.utf8).write(to: folder.url.appending(path: "config"))
            flags += ["--config", folder.url.appending(path: "config").path]
        }
        let errors = try FileDescriptor.creating(folder.url.appending(path: "errors").path)
        let limit = descriptorLimit.map { ["/usr/bin/prlimit", "--nofile=\($0):\($0)"] } ?? []
        let command = prefix + limit + [try Command.path("swiftnet"), "serve"] + flags + arguments
        supervisor = try ChildProcess(
            executable: command[0], arguments: command, environment: ProcessEnvironment.variables,
            descriptors: [(errors, 2)])
        if waitsForReadiness, !eventually({ self.errors.contains("memory:") }) {
            throw Failure.notReady(self.errors)
        }
    }

    enum Failure: Error {
        case notReady(String)
        case doesNotEnd(String)
    }

    deinit {
        for worker in workers { worker.send(SignalNumber.kill) }
        if ending == nil {
            supervisor.send(SignalNumber.kill)
            _ = try? supervisor.wait()
        }
    }

    /// What the server has written to standard error so far.
    var errors: String { (try? String(contentsOf: folder.url.appending(path: "errors"), encoding: .utf8)) ?? "" }

    /// The processes that the supervisor has started and that have not ended.
    var workers: [ChildProcess] {
        let path = "/proc/\(supervisor.id)/task/\(supervisor.id)/children"
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        return text.split(separator: " ").compactMap { Int32($0) }.map(ChildProcess.init)
    }

    func rewriteConfig(_ text: String) throws {
        try Data(text.utf8).write(to: folder.url.appending(path: "config"))
    }

    func connect() throws -> RawClient { try RawClient(address) }

    /// A request on a connection of its own.
    func ask(_ method: String, _ path: String, headers: [String] = [], text: String = "") throws -> RawClient.Answer {
        try connect().ask(method, path, headers: headers, text: text)
    }

    /// A number of `/metrics`; 0 if it is not there.
    func metric(_ name: String) throws -> Int {
        let lines = try ask("GET", "/metrics").text.split(separator: "\n")
        return lines.first { $0.hasPrefix(name + " ") }.flatMap { Int($0.dropFirst(name.count + 1)) } ?? 0
    }

    /// How many images models have answered.
    func images() throws -> Int {
        let lines = try ask("GET", "/metrics").text.split(separator: "\n")
        return lines.filter { $0.hasPrefix("swiftnet_model_images_total") }
            .compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }.reduce(0, +)
    }

    /// The package's folder.
    static let packageRoot = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Waits, up to twenty seconds, for the server to end by itself.
    func wait() throws -> ChildProcess.Ending {
        guard eventually({ !isRunning(supervisor) }) else { throw Failure.doesNotEnd(errors) }
        let ending = try supervisor.wait()
        self.ending = ending
        return ending
    }

    /// A blank digit as JSON.
    static let digit = "{\"images\": [\(Array(repeating: "0", count: 784).joined(separator: ","))]}"
}

/// Waits for something to become true; to look may itself take time, which counts.
func eventually(
    withinSeconds seconds: UInt64 = 20, everyMilliseconds pause: Int = 50, _ condition: () throws -> Bool
) -> Bool {
    let end = SystemClock.monotonicNanoseconds() + seconds * 1_000_000_000
    repeat {
        if (try? condition()) == true { return true }
        SystemClock.sleep(milliseconds: pause)
    } while SystemClock.monotonicNanoseconds() < end
    return false
}

/// Whether a process runs.
func isRunning(_ process: ChildProcess) -> Bool {
    guard let status = try? String(contentsOfFile: "/proc/\(process.id)/stat", encoding: .utf8) else { return false }
    return !status.contains(") Z ")
}

/// Asks for digits without a pause, as fast as the answers come, until told to stop or too much has gone wrong.
final class LoadClient {
    private let load: Load
    private let thread: SystemCalls.Thread

    init(_ address: SocketAddress) throws {
        let load = Load()
        self.load = load
        thread = try SystemCalls.Thread { load.run(address) }
    }

    deinit {
        load.stop()
        thread.join()
    }

    /// Ends the client.
    ///
    /// - Returns: The good answers, and what went wrong.
    func stop() -> (answered: Int, problems: [String]) {
        load.stop()
        return load.waitForResult()
    }

    /// What the client's thread and its owner share.
    private final class Load: @unchecked Sendable {
        // Sendable because the monitor guards all that changes.
        private let monitor = Monitor()
        private var isStopped = false
        private var hasEnded = false
        private var answered = 0
        private var problems: [String] = []

        func stop() {
            locked { isStopped = true }
        }

        func waitForResult() -> (answered: Int, problems: [String]) {
            locked {
                while !hasEnded { monitor.wait() }
                return (answered, problems)
            }
        }

        private func locked<Result>(_ body: () -> Result) -> Result {
            monitor.lock()
            defer { monitor.unlock() }
            return body()
        }

        func run(_ address: SocketAddress) {
            var client: RawClient?
            while locked({ !isStopped && problems.count < 20 }) {
                do {
                    let connection = try client ?? RawClient(address)
                    client = connection
                    let answer = try connection.ask("POST", "/inference", text: ServerProcess.digit)
                    if answer.headers["connection"] == "close" { client = nil }
                    let isGood = answer.status == 200 && answer.headers["model-version"] != nil
                    locked { isGood ? answered += 1 : problems.append(answer.text) }
                } catch {
                    locked { problems.append("\(error)") }
                    client = nil
                }
            }
            locked {
                hasEnded = true
                monitor.wakeAll()
            }
        }
    }
}

/// A repository with one model, whose files can be changed.
func makeRepository(in folder: TemporaryFolder) throws -> URL {
    let weights = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Weights")
    let repository = folder.url.appending(path: "Weights")
    try FileManager.default.createDirectory(at: repository, withIntermediateDirectories: true)
    try FileManager.default.copyItem(
        at: weights.appending(path: "mnist-mlp"), to: repository.appending(path: "mnist-mlp"))
    return repository
}
