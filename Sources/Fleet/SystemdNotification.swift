// SPDX-License-Identifier: MIT

import SystemCalls

/// What systemd is told, where it asks to be.
///
/// - Source: sd_notify(3), sd_listen_fds(3).
package enum SystemdNotification {
    /// Tells the service manager a state: `READY=1`. Without one, does nothing.
    package static func send(_ state: String) {
        guard let path = ProcessEnvironment.value("NOTIFY_SOCKET") else { return }
        try? FileDescriptor.sendDatagram(state, toUnix: path)
    }

    /// The listening sockets that systemd opened for this process.
    ///
    /// - Throws: ``ConfigurationError`` for a socket that takes no connections, of datagrams for example.
    package static func listeners() throws -> [FileDescriptor] {
        guard ProcessEnvironment.value("LISTEN_PID") == String(CurrentProcess.id),
            let count = ProcessEnvironment.value("LISTEN_FDS").flatMap({ Int32($0) }), (1...64).contains(count)
        else { return [] }
        return try (3..<(3 + count)).map { number in
            let descriptor = FileDescriptor(owning: number)
            guard descriptor.isListening else {
                throw ConfigurationError.contradiction(
                    "descriptor \(number), which the service manager gave, is no stream socket that listens "
                        + "(expected ListenStream= in its unit)")
            }
            try? descriptor.setBlocking(false)
            return descriptor
        }
    }
}
