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

    private func job(deadline: UInt64, _ interest: WorkInterest = WorkInterest()) -> Job {
        Job(
            interest: interest, queuedAt: 0, deadline: deadline, work: { _ in { _, _ in } }, late: { { _, _ in } })
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
