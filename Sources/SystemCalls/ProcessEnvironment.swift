// SPDX-License-Identifier: MIT

import Glibc

/// What surrounds this process.
package enum ProcessEnvironment {
    /// The value of an environment variable, if it is set and not empty.
    package static func value(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }

    /// The path of the running executable, links followed; nil where `/proc` is missing.
    package static var executablePath: String? { FileSystem.canonical("/proc/self/exe") }

    /// Whether standard error is a terminal that a person may be looking at.
    package static var standardErrorIsTerminal: Bool { isatty(2) == 1 }

    /// Whether standard error is a terminal that can take a line back and write it anew, as progress is shown. One that calls
    /// itself dumb, or does not say what it is, can't.
    package static var standardErrorShowsProgress: Bool {
        guard standardErrorIsTerminal, let kind = value("TERM") else { return false }
        return !kind.isEmpty && kind != "dumb"
    }
}

/// Writes text to standard output, all of it.
///
/// - Throws: ``SystemError``, with `EPIPE` if nobody reads any more and the signal is ignored.
package func writeStandardOutput(_ text: String) throws(SystemError) { try write(text, to: 1, name: "standard output") }

/// Writes text to standard error; there is nowhere to report a failure.
package func writeStandardError(_ text: String) { try? write(text, to: 2, name: "standard error") }

/// Writes text to standard error if there is room for it now, and leaves it out otherwise.
package func writeStandardErrorWithoutWaiting(_ text: String) {
    var state = pollfd(fd: 2, events: Int16(POLLOUT), revents: 0)
    // A pipe with room takes so many bytes without waiting.
    let text = text.utf8.count <= Int(PIPE_BUF) ? text : String(text.prefix(Int(PIPE_BUF) / 4 - 1)) + "\n"
    if poll(&state, 1, 0) == 1 { writeStandardError(text) }
}

private func write(_ text: String, to descriptor: Int32, name: String) throws(SystemError) {
    let bytes = Array(text.utf8)
    var done = 0
    while done < bytes.count {
        done += try retryingInterrupts("write", subject: name) {
            bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress.map { $0 + done }, bytes.count - done) }
        }
    }
}
