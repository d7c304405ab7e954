// SPDX-License-Identifier: MIT

import SystemCalls

/// How much a message matters. The names are gunicorn's.
package enum LogLevel: String, Sendable, CaseIterable, Comparable {
    case debug, info, warning, error, critical

    /// As gunicorn's log shows it.
    var shown: String {
        switch self {
        case .debug: "DEBUG"
        case .info: "INFO"
        case .warning: "WARNING"
        case .error: "ERROR"
        case .critical: "CRITICAL"
        }
    }

    package static func < (left: LogLevel, right: LogLevel) -> Bool {
        (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
    }
}

/// Where the supervisor's messages go: to a file with their time and level, or to standard error. A message that cannot be
/// written at once is dropped: who reads it may be slow, and the workers must be watched meanwhile.
package final class ErrorLog {
    private let path: String?
    private let level: LogLevel
    private let file: FileDescriptor?

    /// - Parameters:
    ///   - path: A file that is appended to; standard error if nil.
    ///   - level: Messages below it are left out.
    /// - Throws: `SystemError`.
    package init(_ path: String?, level: LogLevel) throws {
        self.path = path
        self.level = level
        file = try path.map { try FileDescriptor.appending(to: $0) }
    }

    /// Has standard error, this process's and its workers', lead to the file: what a crash leaves is found there.
    package func takeStandardError() {
        if let file { try? CurrentProcess.redirectStandardError(to: file) }
    }

    package func write(_ level: LogLevel, _ message: String) {
        guard level >= self.level else { return }
        let message = message.split(whereSeparator: \.isNewline).joined(separator: " ")
        guard let file else { return writeStandardErrorWithoutWaiting("swiftnet: \(message)\n") }
        let time = timestamp(secondsSince1970: Int(SystemClock.nanosecondsSince1970() / 1_000_000_000))
        let line = Array("[\(time)] [\(CurrentProcess.id)] [\(level.shown)] \(message)\n".utf8)
        _ = line.withUnsafeBytes { try? file.write($0) }
    }

    /// Opens the file anew, after it has been renamed. If that fails, the old one is written on.
    package func reopen() {
        guard let path, let file else { return }
        do {
            try file.replace(with: try FileDescriptor.appending(to: path))
        } catch {
            write(.error, "the error log is not reopened: \(error)")
        }
    }
}

/// A time as gunicorn's log has it: `2026-01-31 23:59:59 +0000`.
///
/// - Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
func timestamp(secondsSince1970 seconds: Int) -> String {
    let days = seconds / 86_400 + 719_468
    let era = days / 146_097
    let dayOfEra = days % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let time = [seconds / 3600 % 24, seconds / 60 % 60, seconds % 60].map(two).joined(separator: ":")
    return "\(year)-\(two(month))-\(two(day)) \(time) +0000"
}
