// SPDX-License-Identifier: MIT

import Glibc

/// The times that a server needs.
package enum SystemClock {
    /// Nanoseconds of a clock that never jumps.
    package static func monotonicNanoseconds() -> UInt64 { read(CLOCK_MONOTONIC) }

    /// The same in seconds.
    package static var monotonicSeconds: Double { Double(monotonicNanoseconds()) * 1e-9 }

    /// Nanoseconds since 1970-01-01 00:00 UTC, as far as the system's clock is right.
    package static func nanosecondsSince1970() -> UInt64 { read(CLOCK_REALTIME) }

    private static func read(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Lets the calling thread sleep.
    package static func sleep(milliseconds: Int) {
        usleep(UInt32(milliseconds) * 1000)
    }
}
