// SPDX-License-Identifier: MIT

import Glibc
import Synchronization
import SystemCalls
import Testing

@Suite("Thread.forEach")
struct ThreadForEachTests {
    private struct Fault: Error, Equatable {
        let index: Int
    }

    @Test("each number is called with once, by any number of threads", arguments: [1, 2, 3, 8, 100])
    func all(threads: Int) throws {
        for count in [0, 1, 2, 7, 300] {
            let calls = Mutex([Int](repeating: 0, count: count))
            try Thread.forEach(count: count, threads: threads) { index in calls.withLock { $0[index] += 1 } }
            #expect(calls.withLock { $0 }.allSatisfy { $0 == 1 })
        }
    }

    @Test(
        "the error of the smallest number is thrown, whichever of those that run together fails first",
        arguments: [1, 2, 5], [false, true])
    func errors(threads: Int, isSmallestLast: Bool) {
        let hasBegun = Atomic(false)
        let hasFailed = Atomic(false)
        #expect(throws: Fault(index: 3)) {
            try Thread.forEach(count: 40, threads: threads) { index in
                guard index >= 3 else { return }
                if index > 3 { hasBegun.store(true, ordering: .relaxed) }
                // Both are under way, if there are two threads, before one fails.
                if index == 3, threads > 1 { Self.wait { hasBegun.load(ordering: .relaxed) } }
                if (index == 3) == isSmallestLast {
                    if threads > 1 { Self.wait { hasFailed.load(ordering: .relaxed) } }
                } else {
                    hasFailed.store(true, ordering: .relaxed)
                }
                throw Fault(index: index)
            }
        }
    }

    /// Waits for another thread, and then until that has gone on.
    private static func wait(_ isDone: () -> Bool) {
        let end = SystemClock.monotonicSeconds + 1
        while !isDone(), SystemClock.monotonicSeconds < end {}
        let later = SystemClock.monotonicSeconds + 0.005
        while SystemClock.monotonicSeconds < later {}
    }

    @Test("what comes after a number that failed is left out")
    func stops() {
        let calls = Atomic(0)
        #expect(throws: Fault.self) {
            try Thread.forEach(count: 1_000_000, threads: 3) { index in
                calls.wrappingAdd(1, ordering: .relaxed)
                throw Fault(index: index)
            }
        }
        #expect(calls.load(ordering: .relaxed) <= 3)
    }

    @Test("a thread that computes beside keeps its core: the caller does all alone, until that has ended")
    func beside() throws {
        let mayEnd = Atomic(false)
        let other = try SystemCalls.Thread.beside { while !mayEnd.load(ordering: .relaxed) { usleep(100) } }
        let threads = Mutex(Set<UInt>())
        let calls = Atomic(0)
        try Thread.forEach(count: 40, threads: 2) { index in
            threads.withLock { _ = $0.insert(UInt(pthread_self())) }
            calls.wrappingAdd(1, ordering: .relaxed)
            usleep(200)
            if index == 20 { #expect(threads.withLock { $0 } == [UInt(pthread_self())]) }
        }
        #expect(calls.load(ordering: .relaxed) == 40)
        #expect(threads.withLock { $0 } == [UInt(pthread_self())])
        mayEnd.store(true, ordering: .relaxed)
        other.join()
    }

    @Test("a thread that ends while others are called for makes room for one more")
    func joinsLater() throws {
        let mayEnd = Atomic(false)
        let other = try SystemCalls.Thread.beside { while !mayEnd.load(ordering: .relaxed) { usleep(100) } }
        let threads = Mutex(Set<UInt>())
        // Other tests may compute beside, too: it is tried for a while.
        let end = SystemClock.monotonicSeconds + 20
        repeat {
            try Thread.forEach(count: 200, threads: 2) { index in
                threads.withLock { _ = $0.insert(UInt(pthread_self())) }
                if index == 20 { mayEnd.store(true, ordering: .relaxed) }
                usleep(200)
            }
        } while threads.withLock { $0.count } < 2 && SystemClock.monotonicSeconds < end
        #expect(threads.withLock { $0.count } >= 2)
        other.join()
    }

    @Test("a thread that begins beside has all processors of its maker")
    func affinity() throws {
        let maker = CoreCount.current()
        // Often enough that some begin on their maker's.
        for _ in 0..<40 {
            let made = Mutex(CoreCount?.none)
            try SystemCalls.Thread.beside { made.withLock { $0 = .current() } }.join()
            #expect(made.withLock { $0 } == maker)
        }
    }
}
