// SPDX-License-Identifier: MIT

import SystemCalls

/// A file beside the pid file, `FILE.reload`, in which the supervisor notes how its reloads go, for `swiftnet reload`.
///
/// It has one line: the supervisor's process number, how many reloads have ended, whether one is under way, and what went
/// wrong with the last one.
package final class ReloadOutcomeFile {
    /// What the line says.
    struct Outcome: Equatable {
        let process: Int32
        let endedCount: Int
        let isUnderWay: Bool
        /// What went wrong with the last reload; empty if nothing did.
        let problem: String

        fileprivate var text: String { "\(process) \(endedCount) \(isUnderWay ? "reloading" : "idle") \(problem)\n" }

        fileprivate init(_ process: Int32, _ endedCount: Int, _ isUnderWay: Bool, _ problem: String) {
            self.process = process
            self.endedCount = endedCount
            self.isUnderWay = isUnderWay
            self.problem = problem
        }

        fileprivate init?(_ text: String) {
            let line = text.prefix { $0 != "\n" }
            let words = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
            guard words.count == 4, let process = Int32(words[0]), let endedCount = Int(words[1]),
                ["reloading", "idle"].contains(words[2])
            else { return nil }
            self.init(process, endedCount, words[2] == "reloading", words[3])
        }
    }

    let path: String
    private var endedCount = 0
    private var problem = ""

    package init(besides pidFile: String) {
        path = pidFile + ".reload"
    }

    /// Notes that a reload begins (nil) or has ended.
    ///
    /// - Throws: `SystemError`.
    package func write(_ problem: String?) throws {
        if let problem {
            endedCount += 1
            self.problem = problem.split(whereSeparator: \.isNewline).joined(separator: " ")
        }
        try write(isUnderWay: problem == nil)
    }

    /// Notes that no reload has begun yet.
    ///
    /// - Throws: `SystemError`.
    package func writeFirst() throws { try write(isUnderWay: false) }

    private func write(isUnderWay: Bool) throws {
        let file = try FileWriter(replacing: path)
        try file.write(Array(Outcome(CurrentProcess.id, endedCount, isUnderWay, problem).text.utf8))
        try file.finish()
    }

    /// What the file says; nil if there is none.
    func read() -> Outcome? {
        guard let bytes = try? FileDescriptor.contents(of: path, limit: 1 << 16) else {
            return nil
        }
        return Outcome(String(decoding: bytes, as: UTF8.self))
    }

    package func remove() {
        OwnedPath(path)?.remove()
    }
}

/// `swiftnet reload`: has a running server read its settings and weights again, and waits for what comes of it.
package struct ReloadRequest {
    private let pidFile: String

    /// - Parameter pidFile: The server's `--pid`.
    package init(pidFile: String) {
        self.pidFile = pidFile
    }

    /// Asks and waits.
    ///
    /// - Throws: ``ReloadError``, or `SystemError` if the file can't be read.
    package func run(timeoutSeconds: Int) throws {
        let text = try FileDescriptor.contents(of: pidFile, limit: 100)
        let digits = String(decoding: text, as: UTF8.self).prefix { !$0.isWhitespace }
        guard let number = Int32(digits), number > 1 else { throw ReloadError.noProcess(pidFile) }
        let file = ReloadOutcomeFile(besides: pidFile)
        let server = ChildProcess(id: number)
        guard let before = try wait(for: server, file, timeoutSeconds, until: { !$0.isUnderWay }) else {
            throw ReloadError.timeOut(seconds: timeoutSeconds)
        }
        server.send(SignalNumber.hangUp)
        let after = try wait(for: server, file, timeoutSeconds) { $0.endedCount > before.endedCount }
        guard let after else { throw ReloadError.timeOut(seconds: timeoutSeconds) }
        if !after.problem.isEmpty { throw ReloadError.failed(after.problem) }
    }

    /// Waits until the file says something.
    ///
    /// - Returns: What it says then; nil if that took too long.
    private func wait(
        for server: ChildProcess, _ file: ReloadOutcomeFile, _ seconds: Int,
        until isReached: (ReloadOutcomeFile.Outcome) -> Bool
    ) throws -> ReloadOutcomeFile.Outcome? {
        let end = SystemClock.monotonicNanoseconds() + UInt64(seconds) * 1_000_000_000
        repeat {
            guard server.isServer, let outcome = file.read(), outcome.process == server.id else {
                throw ReloadError.noServer(pidFile, process: server.id)
            }
            if isReached(outcome) { return outcome }
            SystemClock.sleep(milliseconds: 20)
        } while SystemClock.monotonicNanoseconds() < end
        return nil
    }
}

/// Why a server has not reloaded.
package enum ReloadError: Error, Equatable, Sendable, CustomStringConvertible {
    case noProcess(String)
    case noServer(String, process: Int32)
    case timeOut(seconds: Int)
    case failed(String)

    package var description: String {
        switch self {
        case .noProcess(let file): "\(file) holds no process number"
        case .noServer(let file, let process): "\(file) names process \(process), which is no server of this file"
        case .timeOut(let seconds): "the server has not reloaded within \(seconds) s"
        case .failed(let problem): "not reloaded, still serving as before: \(problem)"
        }
    }
}
