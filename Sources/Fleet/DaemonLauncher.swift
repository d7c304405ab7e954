// SPDX-License-Identifier: MIT

import SystemCalls

/// Starts the server apart from the terminal, and waits until it serves.
package enum DaemonLauncher {
    private static let variable = "SWIFTNET_DAEMON_CHANNEL"
    private static let descriptor: Int32 = 3

    /// Whether this process is the detached server.
    package static var isLaunched: Bool { ProcessEnvironment.value(variable) != nil }

    /// Starts this program again with the same arguments, detached, and tells what it says until it serves or ends.
    ///
    /// - Returns: The exit code: 0 once the server serves.
    /// - Throws: `SystemError`.
    package static func launch() throws -> Int32 {
        let channel = FleetChannel(try start())
        while let input = channel.receive() {
            switch input {
            case .message(.ready(let banner)):
                writeStandardError(banner)
                return 0
            case .message(.failed(let line)): writeStandardError("swiftnet: \(line)\n")
            case .message, .connection: break
            case .end: return 1
            }
        }
        return 1
    }

    /// - Returns: Our end of the channel; only the server has the other end.
    private static func start() throws -> FileDescriptor {
        let (ours, theirs) = try FileDescriptor.messageChannel()
        try ours.setBlocking(true)
        _ = try ChildProcess(
            executable: CurrentProcess.executable, arguments: CommandLine.arguments,
            environment: ProcessEnvironment.variables + ["\(variable)=1"], descriptors: [(theirs, descriptor)])
        return ours
    }

    /// The launcher, as the detached server sees it.
    package struct Parent {
        private let channel: FleetChannel

        /// Leaves the terminal; nil if this process was not started by a launcher.
        package init?() {
            guard ProcessEnvironment.value(variable) != nil else { return nil }
            channel = FleetChannel(FileDescriptor(owning: descriptor))
            try? CurrentProcess.detach()
        }

        package func serves(_ banner: String) {
            channel.send(.ready(banner))
        }

        package func failed(_ problem: String) {
            channel.send(.failed(problem))
        }
    }
}
