// SPDX-License-Identifier: MIT

import Protocols
import Synchronization
import SystemCalls

/// The threads that take jobs from the queue and run the models, each with its own memory.
package final class InferenceThreads: Sendable {
    /// What an inference thread is doing, for the watch on hanging work.
    final class Activity: Sendable {
        /// When the present job began, in nanoseconds of the monotonic clock; 0 between jobs.
        let startedAt = Atomic<UInt64>(0)
    }

    private let queue: WorkQueue
    private let threads: [Thread]
    private let activities: [Activity]
    /// The threads' runners.
    package let runners: [SharedRunner]

    /// Starts the threads and waits until each is ready.
    ///
    /// - Throws: The first error of making a runner.
    package init(count: Int, service: any InferenceService, queue: WorkQueue, mailbox: Mailbox, clock: AwakeClock)
        throws
    {
        self.queue = queue
        let start = StartGate(count: count)
        let activities = (0..<count).map { _ in Activity() }
        self.activities = activities
        runners = (0..<count).map { _ in SharedRunner() }
        var threads: [Thread] = []
        do {
            for (activity, runner) in zip(activities, runners) {
                let thread = try Thread(stackBytes: 4 << 20) {
                    do {
                        try runner.make(service)
                        start.report(nil)
                    } catch {
                        return start.report(error)
                    }
                    InferenceLoop(queue: queue, activity: activity, clock: clock, deliver: mailbox.post).run(runner)
                }
                threads.append(thread)
            }
            try start.wait()
        } catch {
            queue.close()
            for thread in threads { thread.join() }
            throw error
        }
        self.threads = threads
    }

    /// How long the longest present job has run, in nanoseconds.
    package func longestRun(now: UInt64) -> UInt64 {
        activities.reduce(0) { longest, activity in
            let start = activity.startedAt.load(ordering: .relaxed)
            return start == 0 || start > now ? longest : max(longest, now - start)
        }
    }

    /// Ends the threads after the jobs that wait.
    package func stop() {
        queue.close()
        for thread in threads { thread.join() }
    }
}

/// A thread's runner, which the event loop borrows for light work while the thread has none.
package final class SharedRunner: @unchecked Sendable {
    // Sendable because the lock guards the runner.
    private let lock = Mutex(())
    private var runner: (any InferenceRunner)?

    /// Makes it, on the thread that it belongs to.
    ///
    /// - Throws: What the service throws.
    func make(_ service: any InferenceService) throws {
        let runner = try service.makeRunner()
        lock.withLock { _ in self.runner = runner }
    }

    /// Uses it, after who has borrowed it.
    func use(_ body: (any InferenceRunner) -> Void) {
        lock.withLock { _ in
            if let runner { body(runner) }
        }
    }

    /// Uses it if nobody else does; tells whether it could.
    func borrow(_ body: (any InferenceRunner) -> Void) -> Bool {
        lock.withLockIfAvailable { _ in
            guard let runner else { return false }
            body(runner)
            return true
        } ?? false
    }
}

/// Waits for threads to be ready, or for the first that can't be.
final class StartGate: @unchecked Sendable {
    // Sendable because the monitor guards all that changes.
    private let monitor = Monitor()
    private var missing: Int
    private var failure: (any Error)?

    init(count: Int) {
        missing = count
    }

    func report(_ error: (any Error)?) {
        monitor.lock()
        missing -= 1
        failure = failure ?? error
        monitor.wakeAll()
        monitor.unlock()
    }

    func wait() throws {
        monitor.lock()
        defer { monitor.unlock() }
        while missing > 0, failure == nil { monitor.wait() }
        if let failure { throw failure }
    }
}
