// SPDX-License-Identifier: MIT

import SystemCalls

/// A supervisor of a newer program, started by one that serves, with whom it shares the sockets until that one ends.
///
/// The older one starts it on `USR2` and tells it the sockets by their descriptors and, in the environment, their addresses.
/// Each end of their channel is closed with its process, so the successor learns when it is alone.
package struct Successor {
    private enum Variable {
        static let listeners = "SWIFTNET_UPGRADE_LISTENERS"
    }

    private enum Descriptor {
        static let channel: Int32 = 3
        static let firstListener: Int32 = 4
    }

    let process: ChildProcess
    let channel: FleetChannel

    /// The path of the program that this process was started from, whatever lies there later.
    private static let program: String? = {
        guard let name = CommandLine.arguments.first else { return nil }
        if name.contains("/") { return FileSystem.absolute(name) }
        return ProcessEnvironment.executablePath
    }()

    /// Takes note of the program's path, as long as the working folder is that of the start.
    package static func rememberProgram() { _ = program }

    /// Starts the program anew.
    ///
    /// - Throws: `SystemError`.
    init(sharing listeners: [Listener]) throws {
        let (ours, theirs) = try FileDescriptor.messageChannel()
        let own = ["SWIFTNET_UPGRADE_", "SWIFTNET_DAEMON_CHANNEL=", "LISTEN_FDS=", "LISTEN_PID="]
        let variables = ProcessEnvironment.variables.filter { variable in !own.contains { variable.hasPrefix($0) } }
        let words = listeners.map { "\($0.purpose.rawValue)=\($0.address?.description ?? "")" }
        process = try ChildProcess(
            executable: Self.program ?? CurrentProcess.executable, arguments: CommandLine.arguments,
            environment: variables + ["\(Variable.listeners)=\(words.joined(separator: "\n"))"],
            descriptors: [(theirs, Descriptor.channel)]
                + listeners.enumerated().map { ($1.descriptor, Descriptor.firstListener + Int32($0)) })
        channel = FleetChannel(ours)
    }

    /// Whether this process is one.
    package static var isThisProcess: Bool { ProcessEnvironment.value(Variable.listeners) != nil }

    /// The older supervisor, as its successor sees it.
    package struct Predecessor {
        let channel: FleetChannel
        package let listeners: [Listener]

        /// Takes over what the older supervisor gave; nil if this process has none.
        package init?() {
            guard let text = ProcessEnvironment.value(Variable.listeners) else { return nil }
            channel = FleetChannel(FileDescriptor(owning: Descriptor.channel))
            listeners = text.split(separator: "\n").enumerated().map { index, word in
                let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
                let descriptor = FileDescriptor(owning: Descriptor.firstListener + Int32(index))
                return Listener(
                    address: parts.count == 2 && !parts[1].isEmpty ? SocketAddress(parts[1], defaultPort: 0) : nil,
                    purpose: Listener.Purpose(rawValue: parts[0]) ?? .requests, descriptor: descriptor)
            }
        }

        package func serves(_ banner: String) {
            channel.send(.ready(banner))
        }

        package func failed(_ problem: String) {
            channel.send(.failed(problem))
        }
    }
}
