// SPDX-License-Identifier: MIT

import Layers
import Synchronization
import SystemCalls
import Testing

@Suite("Team")
struct TeamTests {
    @Test("every part of every round is done once, and no round begins before the one before it ends", arguments: 1...4)
    func goesThroughRounds(workers: Int) throws {
        let work = CountedWork(
            partsOfRounds: [3, 1, 256, 2, 4, 1, 1, 7] + Array(repeating: workers, count: 500),
            meetings: [4 * workers, 100, 200, 300], workers: workers)
        let team = try Team(count: workers, work: work)
        for run in 1...8 {
            if run % 4 == 0 { SystemClock.sleep(milliseconds: 2) }  // the threads go to sleep
            team.run()
            #expect(work.counts() == work.partsOfRounds.map { $0 * run })
            #expect(work.faults.load(ordering: .relaxed) == 0)
        }
    }

    @Test("a slow worker's own parts are done by the others")
    func doesNotWaitForParts() throws {
        let work = UnevenWork()
        let team = try Team(count: 2, work: work)
        team.run()
        #expect(work.doneBySlow.load(ordering: .relaxed) == 1)
    }

    @Test("a team that goes takes its threads along")
    func endsItsThreads() throws {
        let threads = try processThreads()
        for _ in 0..<300 { try Team(count: 3, work: CountedWork(partsOfRounds: [3])).run() }
        // Other tests run beside this one, but not with hundreds of threads.
        #expect(try processThreads() < threads + 300)
    }

    /// Threads of this process.
    private func processThreads() throws -> Int {
        try FileSystem.names(in: "/proc/self/task").count
    }

    @Test("work without a round ends at once")
    func runsNothing() throws {
        let work = CountedWork(partsOfRounds: [])
        let team = try Team(count: 2, work: work)
        for _ in 0..<3 { team.run() }
        #expect(work.counts() == [])
    }
}

/// Counts the parts that are done of each round.
private final class CountedWork: TeamWork, @unchecked Sendable {
    final class Counter: Sendable {
        let value = Atomic<Int>(0)
    }

    let partsOfRounds: [Int]
    /// Parts that began before the round before was done.
    let faults = Atomic<Int>(0)
    private let meetings: Set<Int>
    private let done: [Counter]

    /// - Parameters:
    ///   - meetings: Rounds whose parts wait for each other, so that every worker takes one.
    init(partsOfRounds: [Int], meetings: [Int] = [], workers: Int = 1) {
        var parts = partsOfRounds
        for round in meetings { parts[round] = workers }
        self.partsOfRounds = parts
        self.meetings = Set(meetings)
        done = parts.map { _ in Counter() }
    }

    func counts() -> [Int] { done.map { $0.value.load(ordering: .relaxed) } }

    func parts(ofRound round: Int) -> Int { round < partsOfRounds.count ? partsOfRounds[round] : 0 }

    func run(part: Int, ofRound round: Int, worker: Int) {
        if round > 0, !done[round - 1].value.load(ordering: .relaxed).isMultiple(of: partsOfRounds[round - 1]) {
            faults.add(1, ordering: .relaxed)
        }
        let begun = done[round].value.add(1, ordering: .relaxed).oldValue
        guard meetings.contains(round) else { return }
        let all = (begun / partsOfRounds[round] + 1) * partsOfRounds[round]
        while done[round].value.load(ordering: .relaxed) < all { SystemClock.sleep(milliseconds: 0) }
    }
}

/// One round, in which worker 1 is held up by its first part until all others are done.
private final class UnevenWork: TeamWork, @unchecked Sendable {
    let doneBySlow = Atomic<Int>(0)
    private let done = Atomic<Int>(0)
    private let isHeldUp = Atomic<Bool>(false)
    private let parts = 64

    func parts(ofRound round: Int) -> Int { round == 0 ? parts : 0 }

    func run(part: Int, ofRound round: Int, worker: Int) {
        if worker == 1 {
            doneBySlow.add(1, ordering: .relaxed)
            isHeldUp.store(true, ordering: .releasing)
            while done.load(ordering: .acquiring) < parts - 1 { SystemClock.sleep(milliseconds: 1) }
        } else {
            // So that the slow worker gets a part at all.
            while !isHeldUp.load(ordering: .acquiring) { SystemClock.sleep(milliseconds: 1) }
        }
        done.add(1, ordering: .releasing)
    }
}
