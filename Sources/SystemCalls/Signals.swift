// SPDX-License-Identifier: MIT

import CLinux
import Glibc

/// Where the handler writes the numbers of signals; -1 until there is a reader. Written once, before any handler is set.
private nonisolated(unsafe) var signalPipe: Int32 = -1

/// Signals, read from a descriptor like any other input.
///
/// A handler writes each into a pipe. Blocking them for a `signalfd` would not do: libraries start threads before `main`,
/// and a signal that one thread does not block is delivered there.
package final class SignalSource: Sendable {
    /// Becomes readable when one of the signals has come.
    package let descriptor: FileDescriptor

    /// Catches signals from now on. One source per process.
    ///
    /// - Throws: ``SystemError``.
    package init(_ signals: [Int32]) throws(SystemError) {
        precondition(signalPipe == -1, "a process has one source of signals")
        var ends: [Int32] = [-1, -1]
        try retryingInterrupts("pipe2") { pipe2(&ends, O_CLOEXEC | O_NONBLOCK) }
        descriptor = FileDescriptor(owning: ends[0])
        signalPipe = ends[1]
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { number in
            let code = errno
            var byte = UInt8(truncatingIfNeeded: number)
            _ = write(signalPipe, &byte, 1)
            errno = code
        }
        action.sa_flags = SA_RESTART
        var wanted = sigset_t()
        sigemptyset(&wanted)
        for signal in signals {
            try retryingInterrupts("sigaction") { sigaction(signal, &action, nil) }
            sigaddset(&wanted, signal)
        }
        // Whoever started this process may have blocked them in itself, and so here.
        pthread_sigmask(SIG_UNBLOCK, &wanted, nil)
    }

    /// The next signal that has come; nil if none is left.
    package func next() -> Int32? {
        var byte: UInt8 = 0
        let count = withUnsafeMutableBytes(of: &byte) { try? descriptor.read(into: $0) }
        return count == 1 ? Int32(byte) : nil
    }

    /// Ignores a signal in this process and in the programs that it starts.
    package static func ignore(_ number: Int32) {
        signal(number, SIG_IGN)
    }
}

/// The signals that a server acts on.
package enum SignalNumber {
    package static let child = SIGCHLD
    package static let hangUp = SIGHUP
    package static let interrupt = SIGINT
    package static let kill = SIGKILL
    package static let pipe = SIGPIPE
    package static let stop = SIGSTOP
    package static let resume = SIGCONT
    package static let terminate = SIGTERM
    package static let terminalInput = SIGTTIN
    package static let terminalOutput = SIGTTOU
    package static let user1 = SIGUSR1
    package static let user2 = SIGUSR2
    package static let windowChange = SIGWINCH
}
