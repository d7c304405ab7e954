// SPDX-License-Identifier: MIT

import API
import Fleet
import SystemCalls

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
        let cores = CoreCount.current()
        let inherited = SystemdNotification.listeners()
        let source = FleetSource(
            reconfigure: settings, check: { _ = try $0.keys() }, servedModels: { try $0.servedModels() })
        let supervisor = try Supervisor(
            configuration: configuration, cores: cores.usable, inherited: inherited, source: source,
            report: { line in
                // Whoever reads it may be slow, and the workers must be watched meanwhile.
                writeStandardErrorWithoutWaiting("swiftnet: \(line)\n")
                launcher?.failed(line)
            })
        defer { supervisor.removeSockets() }
        let pid = try configuration.pid.map(writePIDFile)
        defer { pid??.remove() }
        let outcome = configuration.pid.map { ReloadOutcomeFile(besides: $0) }
        defer { outcome?.remove() }
        note { try outcome?.writeFirst() }
        supervisor.onReload = { problem in note { try outcome?.write(problem) } }
        supervisor.onReady = { summary in
            let banner = banner(supervisor, cores, summary)
            writeStandardError(banner)
            SystemdNotification.send("READY=1")
            launcher?.serves(banner)
        }
        return supervisor.run()
    }

    /// Writes how reloads go; that it can't be written must not stop the server.
    private func note(_ write: () throws -> Void) {
        do {
            try write()
        } catch {
            writeStandardErrorWithoutWaiting("swiftnet: the outcome of reloads can't be noted: \(error)\n")
        }
    }

    /// What the operator wants to know once.
    private func banner(_ supervisor: Supervisor, _ cores: CoreCount, _ summary: String) -> String {
        let (workers, threads) = (supervisor.current.wanted, supervisor.current.threads)
        var lines = [
            "swiftnet \(API.version) serves on \(supervisor.addresses.joined(separator: ", "))",
            "mode: \(configuration.mode.rawValue), \(workers) \(workers == 1 ? "worker" : "workers") of \(threads) "
                + "\(threads == 1 ? "thread" : "threads") (usable cores: \(cores.usable); \(cores.explanation))",
        ]
        if workers * threads > cores.usable {
            lines.append("warning: more threads than usable cores: they will wait for each other")
        }
        lines += summary.split(separator: "\u{1F}").map(String.init)
        let memory = supervisor.proportionalBytes.map { "\(($0 + 524_288) >> 20) MiB" }
        lines.append("memory: \(memory.joined(separator: ", ")) (proportional share of each worker)")
        if configuration.noAuth { lines.append("warning: anyone who reaches the address is answered (--no-auth)") }
        return lines.map { $0 + "\n" }.joined()
    }
}

/// Writes the supervisor's process number into a file.
///
/// - Throws: `SystemError`.
private func writePIDFile(_ path: String) throws -> OwnedPath? {
    let file = try FileDescriptor.creating(path)
    try Array("\(CurrentProcess.id)\n".utf8).withUnsafeBytes { try file.writeAll($0) }
    return OwnedPath(path)
}
