// SPDX-License-Identifier: MIT

import ArgumentParser
import CommandSupport
import Fleet
import SystemCalls

/// `swiftnet reload`: tells a running server to read its settings and weights again.
struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload", _superCommandName: SwiftNetCommand.name,
        abstract: "Have a running server read its settings and weights again.",
        discussion: """
            The server must have been started with --pid. It starts new workers, and lets the old ones finish when the new \
            ones serve; no request is lost. If anything fails, it serves on as before.

            EXAMPLES
              swiftnet reload --pid /run/swiftnet.pid

            EXIT CODES
              0   reloaded
              1   not reloaded, with the reason on one line
              64  wrong usage
            """)

    @Option(
        help: ArgumentHelp("The server's pid file. (default: $SWIFTNET_PID)", valueName: "file"), completion: .file())
    var pid: String?

    @Option(help: ArgumentHelp("Wait for so long.", valueName: "s"))
    var timeout = 150

    func validate() throws {
        if pid == nil, ProcessEnvironment.value("SWIFTNET_PID") == nil {
            throw ValidationError("Name the server's pid file with --pid, or in SWIFTNET_PID.")
        }
        if !(1...3600).contains(timeout) { throw ValidationError("--timeout must be 1 to 3600, not \(timeout).") }
    }

    func run() throws {
        guard let pid = pid ?? ProcessEnvironment.value("SWIFTNET_PID") else { return }
        do {
            try ReloadRequest(pidFile: pid).run(timeoutSeconds: timeout)
        } catch {
            writeStandardError("swiftnet: \(Failure.line(error))\(Failure.hint(error))\n")
            throw ExitCode(1)
        }
    }
}
