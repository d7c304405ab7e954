// SPDX-License-Identifier: MIT

/// Notices, once after each time of work, that there has been nothing to do for a while.
struct QuietTime {
    /// In nanoseconds.
    static let length: UInt64 = 1_000_000_000

    private var requests = 0
    private var busyAt: UInt64 = 0
    private var hasPassed = false

    /// - Parameters:
    ///   - requests: Requests begun so far.
    ///   - inHand: Requests that are not done.
    mutating func hasJustPassed(requests: Int, inHand: Int, now: UInt64) -> Bool {
        if busyAt == 0 || inHand > 0 || requests != self.requests {
            (self.requests, busyAt, hasPassed) = (requests, max(now, 1), false)
            return false
        }
        guard !hasPassed, now >= busyAt, now - busyAt >= Self.length else { return false }
        hasPassed = true
        return true
    }
}
