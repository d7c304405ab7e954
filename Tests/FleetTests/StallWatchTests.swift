// SPDX-License-Identifier: MIT

import Fleet
import Testing

@Suite struct StallWatchTests {
    @Test func countsHowLongANumberStaysTheSame() {
        var watch = StallWatch(value: 5, now: 100, longestStep: 50)
        watch.look(5, now: 130)
        watch.look(5, now: 160)
        #expect(watch.stalled == 60)
        watch.look(6, now: 190)
        #expect(watch.stalled == 0)
        watch.look(6, now: 200)
        #expect(watch.stalled == 10)
    }

    /// Who watches was stopped himself: that the other did nothing meanwhile means nothing.
    @Test func aPauseOfTheWatcherCountsLittle() {
        var watch = StallWatch(value: 5, now: 100, longestStep: 50)
        watch.look(5, now: 1_000_000)
        #expect(watch.stalled == 50)
        watch.look(5, now: 999_999)
        #expect(watch.stalled == 50)
    }
}
