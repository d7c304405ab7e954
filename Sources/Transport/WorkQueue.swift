// SPDX-License-Identifier: MIT

import HTTP
import Protocols
import SystemCalls

/// Which request of which connection something belongs to. No two requests of a process have equal tickets, so a late
/// answer can't reach the wrong client.
struct Ticket: Hashable, Sendable {
    /// The connection's token.
    let connection: UInt64
    /// The number of the request in its connection.
    let request: UInt64
}

/// How long a job waited and how long it ran, in nanoseconds.
package struct JobTimes: Sendable {
    package var queued: UInt64 = 0
    package var worked: UInt64 = 0

    package init() {}
}

/// What the event loop is to do with the result of a job.
package typealias Completion = @Sendable (EventLoop, JobTimes) -> Void

/// Work for an inference thread. What it is for, a request of HTTP for example, is known to its functions only.
package struct Job: Sendable {
    /// Whether somebody still waits for the result.
    let interest: WorkInterest
    /// When it was put into the queue and when it must have left it, in nanoseconds of the monotonic clock.
    let queuedAt: UInt64
    let deadline: UInt64
    /// How long what it is to read is.
    let byteCount: Int
    /// Begins the work, on an inference thread.
    let work: @Sendable (any InferenceRunner) -> Step
    /// What is done instead for a job that waited past its deadline.
    let late: @Sendable () -> Completion

    init(
        interest: WorkInterest, queuedAt: UInt64, deadline: UInt64, byteCount: Int = 0,
        work: @escaping @Sendable (any InferenceRunner) -> Step, late: @escaping @Sendable () -> Completion
    ) {
        self.interest = interest
        self.queuedAt = queuedAt
        self.deadline = deadline
        self.byteCount = byteCount
        self.work = work
        self.late = late
    }
}

extension Job {
    /// What a job that has been begun needs; see ``RequestStep``.
    enum Step {
        case done(Completion)
        case alone(() -> Completion)
        case run(NetworkRun, answer: (Result<NetworkRun.Output, any Error>, _ isFirst: Bool) -> Completion)

        /// - Parameter completion: What the event loop is to do with a response.
        init(_ step: RequestStep, completion: @escaping (Response) -> Completion) {
            func answered(_ body: () throws -> Response) -> Completion {
                do {
                    return completion(try body())
                } catch {
                    return completion(ErrorResponse.response(for: error))
                }
            }
            self =
                switch step {
                case .answer(let response): .done(completion(response))
                case .alone(let work): .alone { answered(work) }
                case .run(let run, let answer):
                    .run(run) { output, isFirst in answered { try answer(output, isFirst) } }
                }
        }
    }
}

/// The bounded queue between connections and inference threads.
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
    private var idle = 0
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

    /// How many threads wait for a job.
    var idleThreads: Int {
        monitor.lock()
        defer { monitor.unlock() }
        return idle
    }

    /// Whether the next job would be refused.
    var isFull: Bool { count >= capacity }

    /// Adds a job, of which threads that sleep learn by ``wakeThreads()``. Jobs of clients that are gone make room for it.
    ///
    /// - Returns: false if the queue is full or closed: refuse the request now.
    package func submit(_ job: Job) -> Bool {
        monitor.lock()
        defer { monitor.unlock() }
        if jobs.count - head >= capacity { dropAbandoned() }
        if isClosed || jobs.count - head >= capacity { return false }
        jobs.append(job)
        return true
    }

    /// Lets threads that sleep take what waits.
    package func wakeThreads() {
        monitor.lock()
        defer { monitor.unlock() }
        if head < jobs.count, idle > 0 { monitor.wakeAll() }
    }

    /// Takes all jobs, if they are few and short to read.
    func takeLight(maxBytes: Int, most: Int) -> [Job] {
        monitor.lock()
        defer { monitor.unlock() }
        let waiting = jobs.count - head
        guard waiting <= most, jobs[head...].allSatisfy({ ($0?.byteCount ?? 0) <= maxBytes }) else { return [] }
        return (0..<waiting).compactMap { _ in takeFirst() }
    }

    /// Puts jobs that were taken back to where they were: before all others.
    func putBack(_ first: some Collection<Job>) {
        monitor.lock()
        defer { monitor.unlock() }
        jobs.replaceSubrange(..<head, with: first.map { $0 })
        head = 0
    }

    private func dropAbandoned() {
        let before = jobs.count - head
        jobs = jobs[head...].filter { $0?.interest.isWanted ?? false }
        head = 0
        statistics.add(UInt64(before - jobs.count), to: .abandoned)
    }

    /// Takes the jobs that have waited past their deadline, which no thread has come to.
    func takeLate(now: UInt64) -> [Job] {
        monitor.lock()
        defer { monitor.unlock() }
        // Deadlines grow from job to job.
        var late: [Job] = []
        while head < jobs.count, jobs[head].map({ now > $0.deadline }) ?? true {
            if let job = jobs[head] { late.append(job) }
            jobs[head] = nil
            head += 1
        }
        if head == jobs.count {
            jobs.removeAll(keepingCapacity: true)
            head = 0
        }
        return late
    }

    /// Waits for a job whose client still waits, and takes it; nil when the queue is closed and empty.
    func take() -> Job? {
        monitor.lock()
        defer { monitor.unlock() }
        while true {
            while head == jobs.count {
                if isClosed { return nil }
                idle += 1
                monitor.wait()
                idle -= 1
            }
            if let job = takeFirst() { return job }
        }
    }

    /// Takes another job at once, to be worked on together with one that a thread has; nil if there is none that waits for a
    /// thread in vain, or it is too long to read.
    func takeAnother(maxBytes: Int) -> Job? {
        monitor.lock()
        defer { monitor.unlock() }
        while jobs.count - head > idle {
            if let next = jobs[head], next.byteCount > maxBytes { return nil }
            if let job = takeFirst() { return job }
        }
        return nil
    }

    /// Takes the first job; nil if its client is gone.
    private func takeFirst() -> Job? {
        let job = jobs[head]
        jobs[head] = nil
        head += 1
        if head == jobs.count || head > 1024 {
            jobs.removeSubrange(..<head)
            head = 0
        }
        if let job, job.interest.isWanted { return job }
        statistics.add(1, to: .abandoned)
        return nil
    }

    /// Tells how long a job took, for ``secondsUntilRoom``.
    package func record(nanoseconds: UInt64) {
        monitor.lock()
        defer { monitor.unlock() }
        meanNanoseconds += (Double(nanoseconds) - meanNanoseconds) * (meanNanoseconds == 0 ? 1 : 0.1)
    }

    /// How long a job takes, of late.
    var meanNanosecondsOfJob: Double {
        monitor.lock()
        defer { monitor.unlock() }
        return meanNanoseconds
    }

    /// How long a client should wait before it tries again: until what waits now is done, at least a second.
    package var secondsUntilRoom: Int {
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
