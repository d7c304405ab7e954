// SPDX-License-Identifier: MIT

import API
import Fleet
import SystemCalls
import Text

/// `swiftnet serve` as a whole: supervisor, banner, pid file, service manager.
package struct Service {
    private let configuration: ServerConfiguration
    private let settings: () throws -> ServerConfiguration

    /// - Parameters:
    ///   - configuration: The settings, checked.
    ///   - settings: Reads them again, for a reload.
    package init(_ configuration: ServerConfiguration, settings: @escaping () throws -> ServerConfiguration) {
        self.configuration = configuration
        self.settings = settings
    }

    /// Serves until told to stop.
    ///
    /// - Returns: The exit code.
    /// - Throws: `SystemError`, where an address is in use for example.
    package func run() throws -> Int32 {
        let launcher = DaemonLauncher.Parent()
        let predecessor = Successor.Predecessor()
        do {
            return try run(launcher, predecessor)
        } catch {
            launcher?.failed("\(error)")
            predecessor?.failed("\(error)")
            throw error
        }
    }

    private func run(_ launcher: DaemonLauncher.Parent?, _ predecessor: Successor.Predecessor?) throws -> Int32 {
        Successor.rememberProgram()
        try configuration.checkModels()
        if let umask = configuration.umask { CurrentProcess.setUmask(UInt32(umask)) }
        let log = try ErrorLog(configuration.errorLogPath, level: configuration.logLevel)
        let cores = CoreCount.current()
        let configuration = try configuration.withModelsOfState()
        let inherited = predecessor == nil ? try SystemdNotification.listeners() : []
        // The pid file before the sockets: it says that another server runs, they only that an address is in use.
        let papers = try Papers(configuration.pid, isSecond: predecessor != nil, log)
        defer { papers.remove() }
        let supervisor = try Supervisor(
            configuration: configuration, cores: cores.usable, inherited: inherited, predecessor: predecessor,
            source: FleetSource(
                reconfigure: { try settings().withModelsOfState() }, keys: { try $0.keyText() },
                keep: { try $0.keep($1) }),
            log: log, tellLauncher: { launcher?.failed($0) })
        defer { supervisor.removeSockets() }
        log.takeStandardError()
        supervisor.onReload = { papers.note($0) }
        supervisor.onAlone = { papers.becomeFirst() }
        supervisor.onReady = { summary in
            let banner = banner(supervisor, cores, summary)
            if configuration.errorLogPath == nil {
                writeStandardError(banner)
            } else {
                for line in banner.split(separator: "\n") { log.write(.info, String(line)) }
            }
            if predecessor == nil { SystemdNotification.send("READY=1") }
            launcher?.serves(banner)
            predecessor?.serves(banner)
        }
        return supervisor.run()
    }

    /// What the operator wants to know once.
    private func banner(_ supervisor: Supervisor, _ cores: CoreCount, _ summary: String) -> String {
        let (workers, threads) = (supervisor.current.wanted, supervisor.current.threads)
        var lines = [
            "swiftnet \(API.version) serves on \(supervisor.addresses.joined(separator: ", "))",
            "mode: \(configuration.mode.rawValue), \(workers) \(workers == 1 ? "worker" : "workers") of \(threads) "
                + "\(threads == 1 ? "thread" : "threads") (usable cores: \(cores.usable); \(cores.explanation))",
        ]
        if !supervisor.metricsAddresses.isEmpty {
            lines.append("metrics: \(supervisor.metricsAddresses.joined(separator: ", "))")
        }
        if workers * threads > cores.usable {
            lines.append("warning: more threads than usable cores: they will wait for each other")
        }
        lines += summary.split(separator: "\u{1F}").map(String.init)
        let memory = supervisor.proportionalBytes.map(ByteCount.text)
        lines.append("memory: \(memory.joined(separator: ", ")) (proportional share of each worker)")
        if configuration.noAuth { lines.append("warning: anyone who reaches the address is answered (--no-auth)") }
        return lines.map { $0 + "\n" }.joined()
    }
}

/// What a server writes about itself: its pid file, and beside it how reloads go.
private final class Papers {
    private let path: String?
    private let log: ErrorLog
    private var pidFile: OwnedPath?
    private var outcome: ReloadOutcomeFile?

    /// - Parameters:
    ///   - path: The pid file; nil if there is to be none.
    ///   - isSecond: Whether an older server has that file. Then it gets a name of its own, `FILE.2`, until that one ends.
    /// - Throws: `OutputError` or `SystemError`.
    init(_ path: String?, isSecond: Bool, _ log: ErrorLog) throws {
        self.path = path
        self.log = log
        try write(path.map { isSecond ? $0 + ".2" : $0 })
    }

    private func write(_ path: String?) throws {
        guard let path else { return }
        pidFile = try PIDFile.write(to: path)
        outcome = ReloadOutcomeFile(besides: path)
        attempt { try outcome?.writeFirst() }
    }

    /// Takes the older server's place.
    func becomeFirst() {
        remove()
        attempt { try write(path) }
    }

    func note(_ problem: String?) {
        attempt { try outcome?.write(problem) }
    }

    /// What can't be written must not stop a server that runs.
    private func attempt(_ write: () throws -> Void) {
        do {
            try write()
        } catch {
            log.write(.error, "the pid file, or the outcome of a reload, can't be written: \(error)")
        }
    }

    func remove() {
        pidFile?.remove()
        outcome?.remove()
    }
}
