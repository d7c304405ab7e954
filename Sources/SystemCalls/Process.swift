// SPDX-License-Identifier: MIT

import CLinux
import Glibc

/// A program that this process started.
package struct ChildProcess: Equatable, Hashable, Sendable {
    /// How a process ended.
    package enum Ending: Equatable, Sendable, CustomStringConvertible {
        /// It returned or called exit.
        case exited(Int32)
        /// A signal ended it.
        case signaled(Int32)

        /// "exit code 1", "signal 9".
        package var description: String {
            switch self {
            case .exited(let code): "exit code \(code)"
            case .signaled(let number): "signal \(number)"
            }
        }
    }

    /// The number of the process.
    package let id: Int32

    /// Starts a program with its signals unblocked and back to their defaults (an ignored `SIGPIPE` stays ignored).
    ///
    /// - Parameters:
    ///   - executable: Its path.
    ///   - arguments: Its arguments, its name among them.
    ///   - environment: Its whole environment, as `NAME=value`.
    ///   - descriptors: Those that it gets, under the given numbers, besides input, output and error.
    /// - Throws: ``SystemError``.
    package init(
        executable: String, arguments: [String], environment: [String],
        descriptors: [(FileDescriptor, number: Int32)] = []
    ) throws(SystemError) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // A copy to the same number would keep its close-on-exec mark, so all go high first, out of each other's way.
        let last = max(2, descriptors.map(\.number).max() ?? 2)
        var copies: [FileDescriptor] = []
        for (descriptor, number) in descriptors {
            let copy = FileDescriptor(
                owning: try retryingInterrupts("fcntl") { fcntl(descriptor.rawValue, F_DUPFD_CLOEXEC, last + 1) })
            copies.append(copy)
            posix_spawn_file_actions_adddup2(&actions, copy.rawValue, number)
        }
        // Whatever else this process was started with is none of the child's business.
        posix_spawn_file_actions_addclosefrom_np(&actions, last + 1)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        sigdelset(&all, SIGPIPE)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var id: pid_t = 0
        let code = Self.withCStrings(arguments) { arguments in
            Self.withCStrings(environment) { environment in
                posix_spawn(&id, executable, &actions, &attributes, arguments, environment)
            }
        }
        if code != 0 { throw SystemError(call: "posix_spawn", errno: code, subject: executable) }
        withExtendedLifetime(copies) {}
        self.id = id
    }

    /// A process by its number.
    package init(id: Int32) {
        self.id = id
    }

    private static func withCStrings(_ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Int32) -> Int32 {
        let pointers = strings.map { strdup($0) }
        defer { for pointer in pointers { free(pointer) } }
        return body(pointers + [nil])
    }

    /// Whether there is such a process, of whoever's.
    package var exists: Bool { kill(id, 0) == 0 || errno == EPERM }

    /// Sends a signal; one to a process that has ended is lost.
    package func send(_ signal: Int32) {
        kill(id, signal)
    }

    /// Takes the end of any child that has ended, whoever started it; nil if none has.
    package static func reapAny() -> (ChildProcess, Ending)? {
        while true {
            var status: Int32 = 0
            let id = waitpid(-1, &status, WNOHANG)
            if id < 0, errno == EINTR { continue }
            return id > 0 ? (ChildProcess(id: id), ending(status)) : nil
        }
    }

    /// Waits for the process to end.
    ///
    /// - Throws: ``SystemError``.
    package func wait() throws(SystemError) -> Ending {
        var status: Int32 = 0
        try retryingInterrupts("waitpid") { waitpid(id, &status, 0) }
        return Self.ending(status)
    }

    private static func ending(_ status: Int32) -> Ending {
        let signal = status & 0x7F
        return signal == 0 ? .exited(status >> 8 & 0xFF) : .signaled(signal)
    }
}

/// This process.
package enum CurrentProcess {
    /// Its number.
    package static var id: Int32 { getpid() }

    /// The path of its program.
    package static let executable = "/proc/self/exe"

    /// Lets it have as many descriptors as it may at most.
    ///
    /// - Returns: How many that is.
    @discardableResult
    package static func raiseDescriptorLimit() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 256 }
        if limit.rlim_cur < limit.rlim_max {
            limit.rlim_cur = limit.rlim_max
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        return Int(clamping: limit.rlim_cur)
    }

    /// Sets which permissions the files and sockets that it makes do not get.
    package static func setUmask(_ mask: UInt32) {
        umask(mask)
    }

    /// Its parent's number.
    package static var parent: ChildProcess { ChildProcess(id: getppid()) }

    /// Has standard error lead to a file.
    ///
    /// - Throws: ``SystemError``.
    package static func redirectStandardError(to file: FileDescriptor) throws(SystemError) {
        try retryingInterrupts("dup2") { dup2(file.rawValue, 2) }
    }

    /// Ends it at once: nothing is cleaned up.
    package static func exitNow(_ code: Int32) -> Never {
        _exit(code)
    }

    /// Leaves the terminal and the session of whoever started it, with input from and output to nowhere.
    ///
    /// - Throws: ``SystemError``.
    package static func detach() throws(SystemError) {
        _ = setsid()
        let null = try FileDescriptor.open("/dev/null", O_RDWR)
        for number: Int32 in 0...2 {
            try retryingInterrupts("dup2") { dup2(null.rawValue, number) }
        }
    }
}
