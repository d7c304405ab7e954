// SPDX-License-Identifier: MIT

import Testing

@testable import Transport

@Suite struct QuietTimeTests {
    private static let second: UInt64 = 1_000_000_000

    @Test func passesOnceAfterEachTimeOfWork() {
        var quiet = QuietTime(length: Self.second)
        let start: UInt64 = 5_000_000_000
        func passes(_ takenOn: Int, inHand: Int = 0, after seconds: Double) -> Bool {
            quiet.hasJustPassed(takenOn: takenOn, inHand: inHand, now: start + UInt64(seconds * Double(Self.second)))
        }
        #expect(!passes(0, after: 0))
        #expect(!passes(0, after: 0.9))
        #expect(passes(0, after: 1.1))
        #expect(!passes(0, after: 1.3))
        #expect(!passes(0, after: 9))
        // A request begins, takes long, and ends.
        #expect(!passes(1, inHand: 1, after: 10))
        #expect(!passes(1, inHand: 1, after: 15))
        #expect(!passes(1, after: 15.2))
        #expect(passes(1, after: 16.1))
        #expect(!passes(1, after: 17))
    }

    @Test func requestsThatFollowEachOtherAreNoQuiet() {
        var quiet = QuietTime(length: Self.second)
        for tick in 0..<100 {
            let hasPassed = quiet.hasJustPassed(takenOn: tick / 3, inHand: 0, now: 1 + UInt64(tick) * Self.second / 4)
            #expect(!hasPassed)
        }
    }
}
