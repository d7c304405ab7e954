// SPDX-License-Identifier: MIT

import HTTP
import Protocols
import Synchronization
import SystemCalls

/// Which request of which connection something belongs to. No two requests of a process have equal tickets, so a late
/// answer can't reach the wrong client.
struct Ticket: Hashable, Sendable {
    /// The connection's token.
    let connection: UInt64
    /// The number of the request in its connection.
    let request: UInt64
}

/// A request on its way to an inference thread.
struct Job: Sendable {
    /// Whether the client still waits; set false when it has gone or was told that its time is over.
    final class Interest: Sendable {
        let isAlive = Atomic(true)
    }

    let ticket: Ticket
    let interest: Interest
    /// When it was put into the queue and when it must have left it, in nanoseconds of the monotonic clock.
    let queuedAt: UInt64
    let deadline: UInt64
    let work: RequestWork

    /// Whether its client still waits.
    var isWanted: Bool { interest.isAlive.load(ordering: .acquiring) }
}

/// What an inference thread does for a request.
package typealias RequestWork = @Sendable (any InferenceRunner) throws -> Response

/// The bounded queue between protocol and inference.
package final class WorkQueue: @unchecked Sendable {
    // Sendable because the monitor guards all that changes.
    private let monitor = Monitor()
    private let capacity: Int
    private let threads: Int
    private let statistics: WorkerStatistics
    /// The jobs that wait, from `head` on; before it, places whose jobs have been taken and forgotten.
    private var jobs: [Job?] = []
    private var head = 0
    private var isClosed = false
    private var meanNanoseconds = 0.0

    /// - Parameters:
    ///   - capacity: How many jobs may wait.
    ///   - threads: How many threads take jobs, to tell how long a wait will be.
    ///   - statistics: Where jobs are counted whose clients left.
    package init(capacity: Int, threads: Int, statistics: WorkerStatistics) {
        self.capacity = capacity
        self.threads = threads
        self.statistics = statistics
    }

    /// How many jobs wait.
    var count: Int {
        monitor.lock()
        defer { monitor.unlock() }
        return jobs.count - head
    }

    /// Adds a job. Jobs of clients that are gone make room for it.
    ///
    /// - Returns: false if the queue is full or closed: refuse the request now.
    func submit(_ job: Job) -> Bool {
        monitor.lock()
        defer { monitor.unlock() }
        if jobs.count - head >= capacity { dropAbandoned() }
        if isClosed || jobs.count - head >= capacity { return false }
        jobs.append(job)
        monitor.wakeAll()
        return true
    }

    private func dropAbandoned() {
        let before = jobs.count - head
        jobs = jobs[head...].filter { $0?.isWanted ?? false }
        head = 0
        statistics.add(UInt64(before - jobs.count), to: .abandoned)
    }

    /// Waits for a job whose client still waits, and takes it; nil when the queue is closed and empty.
    func take() -> Job? {
        monitor.lock()
        defer { monitor.unlock() }
        while true {
            while head == jobs.count {
                if isClosed { return nil }
                monitor.wait()
            }
            let job = jobs[head]
            jobs[head] = nil
            head += 1
            if head == jobs.count || head > 1024 {
                jobs.removeSubrange(..<head)
                head = 0
            }
            if let job, job.isWanted { return job }
            statistics.add(1, to: .abandoned)
        }
    }

    /// Tells how long a job took, for ``secondsUntilRoom``.
    func record(nanoseconds: UInt64) {
        monitor.lock()
        defer { monitor.unlock() }
        meanNanoseconds += (Double(nanoseconds) - meanNanoseconds) * (meanNanoseconds == 0 ? 1 : 0.1)
    }

    /// How long a client should wait before it tries again: until what waits now is done, at least a second.
    var secondsUntilRoom: Int {
        monitor.lock()
        defer { monitor.unlock() }
        let seconds = Double(jobs.count - head + 1) * meanNanoseconds / Double(threads) / 1e9
        return Int(min(max(seconds.rounded(.up), 1), 60))
    }

    /// Lets the threads end when the last job is done.
    func close() {
        monitor.lock()
        defer { monitor.unlock() }
        isClosed = true
        monitor.wakeAll()
    }
}
