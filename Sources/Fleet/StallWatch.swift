// SPDX-License-Identifier: MIT

/// Tells how long a number has not changed, counting the time only in which this process itself ran: after a pause of the
/// whole machine nobody's silence is held against them.
package struct StallWatch: Sendable {
    private let longestStep: UInt64
    private var value: UInt64
    private var lastLook: UInt64
    /// How long the number had not changed at the last look, in nanoseconds.
    package private(set) var stalled: UInt64 = 0

    /// - Parameters:
    ///   - longestStep: What counts at most between two looks, in nanoseconds: as long as the watching process means to let
    ///     pass between them, or somewhat more.
    package init(value: UInt64 = 0, now: UInt64, longestStep: UInt64) {
        self.longestStep = longestStep
        self.value = value
        lastLook = now
    }

    /// Looks at the number.
    package mutating func look(_ value: UInt64, now: UInt64) {
        let step = now > lastLook ? now - lastLook : 0
        lastLook = now
        if value != self.value {
            self.value = value
            stalled = 0
        } else {
            stalled += min(step, longestStep)
        }
    }
}
