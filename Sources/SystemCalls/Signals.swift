// SPDX-License-Identifier: MIT

import CLinux
import Glibc

/// Signals, read from a descriptor like any other input instead of interrupting a thread.
package final class SignalSource: Sendable {
    /// Becomes readable when one of the signals has come.
    package let descriptor: FileDescriptor

    /// Blocks the signals in the calling thread, and so in the threads that it starts, and reads them from now on.
    ///
    /// - Throws: ``SystemError``.
    package init(_ signals: [Int32]) throws(SystemError) {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
        let flags = Int32(SFD_CLOEXEC | SFD_NONBLOCK)
        descriptor = FileDescriptor(owning: try retryingInterrupts("signalfd") { signalfd(-1, &set, flags) })
    }

    /// The next signal that has come; nil if none is left.
    package func next() -> Int32? {
        var info = signalfd_siginfo()
        let count = withUnsafeMutableBytes(of: &info) { try? descriptor.read(into: $0) }
        return count == MemoryLayout<signalfd_siginfo>.size ? Int32(info.ssi_signo) : nil
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
    package static let terminate = SIGTERM
    package static let terminalInput = SIGTTIN
    package static let terminalOutput = SIGTTOU
    package static let user1 = SIGUSR1
}
