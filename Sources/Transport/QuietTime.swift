// SPDX-License-Identifier: MIT

/// Notices, once after each time of work, that there has been nothing to do for a while.
struct QuietTime {
    /// How long, in nanoseconds.
    let length: UInt64

    private var takenOn = 0
    private var busyAt: UInt64 = 0
    private var hasPassed = false

    init(length: UInt64) {
        self.length = length
    }

    /// - Parameters:
    ///   - takenOn: Requests whose work has been taken on so far.
    ///   - isBusy: Whether one of them is not done, or much is held of others.
    mutating func hasJustPassed(takenOn: Int, isBusy: Bool, now: UInt64) -> Bool {
        if busyAt == 0 || isBusy || takenOn != self.takenOn {
            (self.takenOn, busyAt, hasPassed) = (takenOn, max(now, 1), false)
            return false
        }
        guard !hasPassed, now >= busyAt, now - busyAt >= length else { return false }
        hasPassed = true
        return true
    }

    /// Lets it pass once more, as what was to be done could not be.
    mutating func passAgain() { hasPassed = false }
}
