// SPDX-License-Identifier: MIT

import Synchronization
import SystemCalls

/// A few threads that run one function together, and sleep in between.
///
/// The caller's thread is worker 0; the pool owns the others.
final class ThreadPool: @unchecked Sendable {
    // Sendable holds because `job`, `generation` and `isClosed` are read and written under the monitor's lock alone.

    /// Number of workers, the caller among them.
    let count: Int
    private let monitor = Monitor()
    private var job: (@Sendable (Int) -> Void)?
    private var generation = 0
    private var isClosed = false
    private let running = Atomic<Int>(0)
    private var threads: [Thread] = []

    /// Starts `count - 1` threads.
    ///
    /// - Throws: `SystemError` if the system gives no more threads.
    init(count: Int) throws {
        precondition(count >= 1, "a pool needs a worker")
        self.count = count
        let shared = Unowned(self)
        do {
            for worker in 1..<max(count, 1) {
                threads.append(try Thread { shared.pool.work(as: worker) })
            }
        } catch {
            close()
            throw error
        }
    }

    deinit { close() }

    private func close() {
        monitor.lock()
        isClosed = true
        monitor.wakeAll()
        monitor.unlock()
        threads.forEach { $0.join() }
        threads = []
    }

    /// Calls `body` once on each worker, with the worker's number, and returns when all have returned.
    func run(_ body: @escaping @Sendable (Int) -> Void) {
        guard count > 1 else { return body(0) }
        running.store(count - 1, ordering: .relaxed)
        monitor.lock()
        job = body
        generation += 1
        monitor.wakeAll()
        monitor.unlock()
        body(0)
        spin { running.load(ordering: .acquiring) == 0 }
    }

    private func work(as worker: Int) {
        var seen = 0
        while true {
            monitor.lock()
            while generation == seen && !isClosed { monitor.wait() }
            seen = generation
            let job = isClosed ? nil : self.job
            monitor.unlock()
            guard let job else { return }
            job(worker)
            running.subtract(1, ordering: .releasing)
        }
    }

    /// Lets the threads hold the pool without keeping it alive: it joins them before it goes.
    private struct Unowned: @unchecked Sendable {
        unowned(unsafe) let pool: ThreadPool

        init(_ pool: ThreadPool) { self.pool = pool }
    }
}

/// A place where workers wait for each other, as often as they like.
final class Barrier: Sendable {
    private let count: Int
    private let arrived = Atomic<Int>(0)
    private let generation = Atomic<Int>(0)

    init(count: Int) {
        self.count = count
    }

    /// Returns when all workers have called it.
    func wait() {
        guard count > 1 else { return }
        let current = generation.load(ordering: .acquiring)
        if arrived.add(1, ordering: .acquiringAndReleasing).newValue == count {
            arrived.store(0, ordering: .relaxed)
            generation.store(current &+ 1, ordering: .releasing)
        } else {
            spin { generation.load(ordering: .acquiring) != current }
        }
    }
}

/// Waits for something that comes within microseconds, without losing the core to sleep; yields it if it takes longer.
private func spin(until isDone: () -> Bool) {
    var rounds = 0
    while !isDone() {
        rounds &+= 1
        if rounds > 4000 { yieldProcessor() }
    }
}
