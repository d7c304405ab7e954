// SPDX-License-Identifier: MIT

import Protocols
import SystemCalls
import Testing

@testable import Transport

@Suite struct WorkQueueTests {
    private let queue: WorkQueue
    private let statistics: WorkerStatistics

    init() throws {
        statistics = WorkerStatistics(fleet: try FleetStatistics(), slot: 0)
        statistics.fleet[.slotsInUse] = 1
        queue = WorkQueue(capacity: 4, threads: 1, statistics: statistics)
    }

    private func job(deadline: UInt64, _ interest: WorkInterest = WorkInterest(), byteCount: Int = 0) -> Job {
        Job(
            interest: interest, queuedAt: 0, deadline: deadline, byteCount: byteCount,
            work: { _ in .done { _, _ in } }, late: { { _, _ in } })
    }

    @Test func givesJobsInOrderAndRefusesMoreThanItHolds() {
        for deadline: UInt64 in 1...4 { #expect(queue.submit(job(deadline: deadline))) }
        #expect(!queue.submit(job(deadline: 5)))
        #expect((1...4).map { _ in queue.take()?.deadline } == [1, 2, 3, 4])
        #expect(queue.count == 0)
    }

    @Test func jobsThatNobodyWaitsForMakeRoomAndAreNotGiven() {
        let gone = WorkInterest()
        for deadline: UInt64 in 1...4 {
            #expect(queue.submit(job(deadline: deadline, deadline < 3 ? gone : WorkInterest())))
        }
        gone.end()
        #expect(queue.submit(job(deadline: 5)))
        #expect(queue.take()?.deadline == 3)
        #expect(statistics.fleet.total(.abandoned) == 2)
    }

    @Test func anotherJobIsTakenAtOnceIfItIsShortAndWanted() throws {
        #expect(queue.takeAnother(maxBytes: 10) == nil)
        let gone = WorkInterest()
        #expect(queue.submit(job(deadline: 1, gone)))
        #expect(queue.submit(job(deadline: 2, byteCount: 10)))
        #expect(queue.submit(job(deadline: 3, byteCount: 11)))
        gone.end()
        #expect(queue.takeAnother(maxBytes: 10)?.deadline == 2)
        #expect(queue.takeAnother(maxBytes: 10) == nil)
        #expect(queue.take()?.deadline == 3)
        #expect(statistics.fleet.total(.abandoned) == 1)
    }

    /// A thread that waits gets a job of its own before another takes a second one.
    @Test func jobsAreLeftToThreadsThatAreFree() throws {
        let queue = queue
        let taken = Taken()
        let thread = try Thread(stackBytes: 1 << 20) { taken.set(queue.take()?.deadline) }
        while queue.idleThreads == 0 { SystemClock.sleep(milliseconds: 1) }
        #expect(queue.submit(job(deadline: 1)))
        let another = queue.takeAnother(maxBytes: 10)?.deadline
        queue.wakeThreads()
        thread.join()
        #expect(another == nil && taken.value == 1)
    }

    @Test func lightJobsAreTakenTogetherOrNotAtAll() {
        #expect(queue.takeLight(maxBytes: 10, most: 3).isEmpty)
        for deadline: UInt64 in 1...3 { #expect(queue.submit(job(deadline: deadline, byteCount: 10))) }
        #expect(queue.takeLight(maxBytes: 9, most: 3).isEmpty)
        #expect(queue.takeLight(maxBytes: 10, most: 2).isEmpty)
        #expect(queue.count == 3)
        #expect(queue.takeLight(maxBytes: 10, most: 3).map(\.deadline) == [1, 2, 3])
        #expect(queue.count == 0)
    }

    @Test func lightJobsOfClientsThatLeftAreForgotten() {
        let gone = WorkInterest()
        #expect(queue.submit(job(deadline: 1, gone)))
        #expect(queue.submit(job(deadline: 2)))
        gone.end()
        #expect(queue.takeLight(maxBytes: 10, most: 2).map(\.deadline) == [2])
        #expect(statistics.fleet.total(.abandoned) == 1)
    }

    @Test func jobsThatArePutBackComeFirst() {
        for deadline: UInt64 in 1...3 { #expect(queue.submit(job(deadline: deadline))) }
        let taken = queue.takeLight(maxBytes: 10, most: 3)
        #expect(queue.submit(job(deadline: 4)))
        queue.putBack(taken[1...])
        #expect((1...3).map { _ in queue.take()?.deadline } == [2, 3, 4])
        #expect(queue.count == 0)
    }

    private final class Taken: @unchecked Sendable {
        // Sendable because it is read after the thread that sets it has ended.
        private(set) var value: UInt64?

        func set(_ value: UInt64?) { self.value = value }
    }

    @Test func jobsThatNoThreadCameToAreTakenWhenTheyAreLate() {
        for deadline: UInt64 in 1...4 { #expect(queue.submit(job(deadline: deadline))) }
        #expect(queue.takeLate(now: 1).isEmpty)
        #expect(queue.takeLate(now: 3).map(\.deadline) == [1, 2])
        #expect(queue.count == 2)
        #expect(queue.take()?.deadline == 3)
        #expect(queue.takeLate(now: 9).map(\.deadline) == [4])
        #expect(queue.count == 0)
    }

    @Test func aClosedQueueIsEmptied() {
        #expect(queue.submit(job(deadline: 1)))
        queue.close()
        #expect(!queue.submit(job(deadline: 2)))
        #expect(queue.take()?.deadline == 1)
        #expect(queue.take() == nil)
    }
}
