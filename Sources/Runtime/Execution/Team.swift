// SPDX-License-Identifier: MIT

import Synchronization
import SystemCalls

/// Work in rounds: each round has parts that can be done in any order, and needs all parts of the round before.
package protocol TeamWork: AnyObject {
    /// How many parts a round has, 1 to `Team.mostParts`; 0 if there is no such round.
    func parts(ofRound round: Int) -> Int

    /// Does a part of a round, as worker number `worker`.
    func run(part: Int, ofRound round: Int, worker: Int)
}

/// A few threads that go through rounds of work together, and sleep in between.
///
/// Each part is taken by the worker that comes first; of several free parts, a worker prefers its own, whose data may still be
/// in its core's cache. So nobody waits for a worker that the system has not given a core: the others do its part. The caller's
/// thread is worker 0; the team owns the others. Used by one caller at a time; a run allocates nothing.
package final class Team {
    /// More parts than these a round can't have.
    package static let mostParts = 256

    /// Number of workers, the caller among them.
    package let count: Int
    private let rounds: Rounds
    private var threads: [Thread] = []

    /// Starts `count - 1` threads, and returns when all of them stand ready: what a thread's start allocates and frees, it has
    /// done by then.
    ///
    /// - Parameters:
    ///   - work: What each run does; it must not own the team.
    ///   - prepare: Called by each of the threads first.
    /// - Throws: `SystemError` if the system gives no more threads.
    package init(count: Int, work: any TeamWork, prepare: @escaping @Sendable () -> Void = {}) throws {
        precondition((1...Self.mostParts).contains(count), "a team has 1 to \(Self.mostParts) workers")
        self.count = count
        rounds = Rounds(work)
        do {
            for worker in 1..<count {
                threads.append(
                    try Thread { [rounds] in
                        prepare()
                        rounds.arrive()
                        rounds.serve(as: worker)
                    })
            }
            rounds.awaitArrivals(threads.count)
        } catch {
            close()
            throw error
        }
    }

    deinit { close() }

    private func close() {
        rounds.close()
        threads.forEach { $0.join() }
        threads = []
    }

    /// Goes through all rounds of the work, and returns when the last is done.
    package func run() { rounds.run() }
}

/// What the workers of a team share.
private final class Rounds: @unchecked Sendable {
    // Sendable holds because `first` is written only between runs, and read by workers that have taken a part, without which
    // the run can't end; `isClosed` and `arrivals` are read and written under the monitor's
    // lock.

    private let work: any TeamWork
    /// The round that is being worked on: its number, counted from the team's beginning, times 1024, plus its parts. Between
    /// runs it has none.
    private let current = Atomic<Int>(0)
    /// Parts of the current round that are done.
    private let done = Atomic<Int>(0)
    /// For each part, the number of the last round in which it was taken.
    private let taken: [Taken]
    /// Workers that sleep until `current` changes.
    private let sleepers = Atomic<Int>(0)
    private let monitor = Monitor()
    /// Number of the run's first round.
    private var first = 0
    private var isClosed = false
    /// Threads that are ready to serve. Under the monitor's lock.
    private var arrivals = 0

    init(_ work: any TeamWork) {
        self.work = work
        taken = (0..<Team.mostParts).map { _ in Taken() }
    }

    /// What the caller's thread does.
    func run() {
        first = Self.parsed(current.load(ordering: .acquiring)).number + 1
        begin(first, parts: work.parts(ofRound: 0))
        while true {
            let round = current.load(ordering: .acquiring)
            if Self.parsed(round).parts == 0 { return }
            takeParts(of: round, as: 0)
            waitForChange(from: round)
        }
    }

    /// What each of the team's other threads does first.
    func arrive() {
        monitor.lock()
        arrivals += 1
        monitor.wakeAll()
        monitor.unlock()
    }

    /// Waits for so many threads.
    func awaitArrivals(_ count: Int) {
        monitor.lock()
        while arrivals < count { monitor.wait() }
        monitor.unlock()
    }

    /// What the team's other threads do until it is closed.
    func serve(as worker: Int) {
        while true {
            let round = current.load(ordering: .acquiring)
            takeParts(of: round, as: worker)
            if !waitForChange(from: round) { return }
        }
    }

    /// Sends the threads home.
    func close() {
        monitor.lock()
        isClosed = true
        monitor.wakeAll()
        monitor.unlock()
    }

    /// Does what parts of a round are still free, the worker's own first.
    private func takeParts(of round: Int, as worker: Int) {
        let (number, parts) = Self.parsed(round)
        for offset in 0..<parts {
            let part = (worker + offset) % parts
            // Whoever comes after the round's end finds all its parts taken.
            let before = taken[part].number.load(ordering: .relaxed)
            guard before < number,
                taken[part].number.compareExchange(
                    expected: before, desired: number, ordering: .acquiringAndReleasing
                ).exchanged
            else { continue }
            work.run(part: part, ofRound: number - first, worker: worker)
            if done.add(1, ordering: .acquiringAndReleasing).newValue == parts {
                done.store(0, ordering: .relaxed)
                begin(number + 1, parts: work.parts(ofRound: number + 1 - first))
            }
        }
    }

    private func begin(_ number: Int, parts: Int) {
        assert(parts <= Team.mostParts, "a round of too many parts")
        // Sequentially consistent here and in `waitForChange`: else a worker could go to sleep unseen, not seeing the change.
        current.store(number * 1024 + parts, ordering: .sequentiallyConsistent)
        if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
            monitor.lock()
            monitor.wakeAll()
            monitor.unlock()
        }
    }

    /// Waits until another round has begun than the one given: awake for a while, as most waits are shorter than waking up.
    ///
    /// - Returns: false if the team was closed.
    @discardableResult
    private func waitForChange(from round: Int) -> Bool {
        let patience: UInt64 = Self.parsed(round).parts > 0 ? 200_000 : 50_000  // nanoseconds
        let start = SystemClock.monotonicNanoseconds()
        repeat {
            for _ in 0..<8 where current.load(ordering: .acquiring) != round { return true }
        } while SystemClock.monotonicNanoseconds() - start < patience
        monitor.lock()
        defer { monitor.unlock() }
        sleepers.add(1, ordering: .sequentiallyConsistent)
        defer { sleepers.subtract(1, ordering: .relaxed) }
        while current.load(ordering: .sequentiallyConsistent) == round {
            if isClosed { return false }
            monitor.wait()
        }
        return true
    }

    private static func parsed(_ round: Int) -> (number: Int, parts: Int) { (round >> 10, round & 1023) }

    /// A number on a cache line of its own.
    private final class Taken: Sendable {
        let number = Atomic<Int>(0)
        private let padding: (Int, Int, Int, Int, Int, Int) = (0, 0, 0, 0, 0, 0)
    }
}
