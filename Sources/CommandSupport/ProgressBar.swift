// SPDX-License-Identifier: MIT

import SystemCalls

/// How far a long work has come, on standard error, if a person looks at it.
package final class ProgressBar {
    private let total: Int
    private let isShown: Bool
    private var done = 0
    private var lastDrawn = 0.0
    private let start = SystemClock.monotonicSeconds
    private static let width = 30
    /// Seconds between two drawings.
    private static let interval = 0.1

    /// - Parameters:
    ///   - isShown: Whether it is wanted; it is shown only on a terminal.
    package init(total: Int, isShown: Bool) {
        self.total = max(total, 1)
        self.isShown = isShown && ProcessEnvironment.standardErrorShowsProgress
    }

    /// Counts one piece of work as done.
    package func advance() {
        done += 1
        let now = SystemClock.monotonicSeconds
        if isShown && (now - lastDrawn >= Self.interval || done == total) {
            lastDrawn = now
            draw(seconds: now - start)
        }
    }

    /// Runs `body`, which writes lines, without a bar in their way.
    package func interrupted<Result>(_ body: () throws -> Result) rethrows -> Result {
        if isShown && lastDrawn > 0 { clear() }
        return try body()
    }

    /// Takes the bar away.
    package func finish() {
        if isShown { clear() }
    }

    private func draw(seconds: Double) {
        let filled = Self.width * done / total
        let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: Self.width - filled)
        let rate = seconds > 0 ? Int(Double(done) / seconds) : 0
        writeStandardError("\r[\(bar)] \(done)/\(total)  \(rate)/s\u{1B}[K")
    }

    private func clear() {
        writeStandardError("\r\u{1B}[K")
    }
}
