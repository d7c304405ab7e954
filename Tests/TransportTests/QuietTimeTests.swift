// SPDX-License-Identifier: MIT

import Testing

@testable import Transport

@Suite struct QuietTimeTests {
    private static let second: UInt64 = 1_000_000_000

    @Test func passesOnceAfterEachTimeOfWork() {
        var quiet = QuietTime(length: Self.second)
        let start: UInt64 = 5_000_000_000
        func passes(_ takenOn: Int, isBusy: Bool = false, after seconds: Double) -> Bool {
            quiet.hasJustPassed(takenOn: takenOn, isBusy: isBusy, now: start + UInt64(seconds * Double(Self.second)))
        }
        #expect(!passes(0, after: 0))
        #expect(!passes(0, after: 0.9))
        #expect(passes(0, after: 1.1))
        #expect(!passes(0, after: 1.3))
        #expect(!passes(0, after: 9))
        // A request begins, takes long, and ends.
        #expect(!passes(1, isBusy: true, after: 10))
        #expect(!passes(1, isBusy: true, after: 15))
        #expect(!passes(1, after: 15.2))
        #expect(passes(1, after: 16.1))
        #expect(!passes(1, after: 17))
        quiet.passAgain()
        #expect(passes(1, after: 17.1))
        #expect(!passes(1, after: 17.2))
    }

    @Test func requestsThatFollowEachOtherAreNoQuiet() {
        var quiet = QuietTime(length: Self.second)
        for tick in 0..<100 {
            let now = 1 + UInt64(tick) * Self.second / 4
            let hasPassed = quiet.hasJustPassed(takenOn: tick / 3, isBusy: false, now: now)
            #expect(!hasPassed)
        }
    }
}
