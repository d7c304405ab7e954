// SPDX-License-Identifier: MIT

import SystemCalls
import Testing

@testable import Transport

@Suite struct AwakeClockTests {
    @Test func goesOnWithTime() {
        let clock = AwakeClock()
        let start = clock.now
        SystemClock.sleep(milliseconds: 30)
        #expect(clock.step(expected: 200_000_000) - start >= 30_000_000)
    }

    @Test func standsStillWhileTheProcessDoes() {
        let clock = AwakeClock()
        let start = clock.step(expected: 0)
        // More than a second longer than was meant: as after a pause.
        SystemClock.sleep(milliseconds: 1300)
        let after = clock.step(expected: 100_000_000)
        #expect(after - start < 600_000_000)
        #expect(clock.now >= after)
    }
}
