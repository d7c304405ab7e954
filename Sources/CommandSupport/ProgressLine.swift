// SPDX-License-Identifier: MIT

import SystemCalls
import Text

/// How far a file has been written: shown on a terminal only, and for large files.
package final class ProgressLine {
    private let isShown: Bool
    private var lastPercent = -1
    private static let leastBytes = 64 << 20

    /// - Parameter isShown: Whether it is wanted.
    package init(isShown: Bool) {
        self.isShown = isShown && ProcessEnvironment.standardErrorShowsProgress
    }

    /// Shows how many bytes have been written.
    package func show(_ done: Int, of total: Int) {
        guard isShown, total >= Self.leastBytes else { return }
        let percent = done / max(1, total / 100)
        guard percent != lastPercent else { return }
        lastPercent = percent
        writeStandardError("\rwriting \(min(100, percent)) % of \(ByteCount.text(total))\u{1B}[K")
    }

    /// Takes the line away.
    package func finish() {
        if lastPercent >= 0 { writeStandardError("\r\u{1B}[K") }
    }
}
