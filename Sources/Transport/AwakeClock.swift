// SPDX-License-Identifier: MIT

import Synchronization
import SystemCalls

/// A clock that stands still while the process does: after a pause, of a virtual machine for example, nobody's deadline has
/// passed that had not before. The event loop moves it on; everyone else reads it.
package final class AwakeClock: Sendable {
    /// A step longer than was meant by this much is a pause.
    private static let tolerance: UInt64 = 1_000_000_000

    private let skipped = Atomic<UInt64>(0)
    private let lastStep = Atomic<UInt64>(SystemClock.monotonicNanoseconds())

    package init() {}

    /// Nanoseconds of a clock that never jumps.
    package var now: UInt64 { SystemClock.monotonicNanoseconds() &- skipped.load(ordering: .acquiring) }

    /// Takes note that the loop runs.
    ///
    /// - Parameter expected: The longest that the step can have taken if the process was not stopped.
    func step(expected: UInt64) -> UInt64 {
        let time = SystemClock.monotonicNanoseconds()
        let last = lastStep.exchange(time, ordering: .relaxed)
        let taken = time > last ? time - last : 0
        if taken > expected + Self.tolerance {
            skipped.wrappingAdd(taken - expected, ordering: .releasing)
        }
        return now
    }
}
