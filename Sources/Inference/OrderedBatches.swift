// SPDX-License-Identifier: MIT

import SystemCalls

/// Work on many items in batches, by several threads, whose results are handed over in order as they come.
package enum OrderedBatches {
    /// Never holds more than a few batches per thread, however many items there are.
    ///
    /// - Parameters:
    ///   - workers: A function for each thread: from the numbers of a batch's items to a result for each.
    ///   - deliver: Takes the results in order; called on the caller's thread.
    /// - Throws: What `deliver` throws, or an error of the system if it gives no threads.
    package static func run<Output: Sendable>(
        count: Int, batchSize: Int, workers: [@Sendable (Range<Int>) -> [Output]],
        deliver: (_ index: Int, Output) throws -> Void
    ) throws {
        let batches = (count + batchSize - 1) / batchSize
        let board = Board<Output>(batches: batches, window: workers.count * 4)
        var threads: [Thread] = []
        defer {
            board.close()
            threads.forEach { $0.join() }
        }
        for worker in workers {
            threads.append(
                try Thread(stackBytes: 8 << 20) {
                    while let batch = board.take() {
                        let first = batch * batchSize
                        board.put(worker(first..<min(count, first + batchSize)), for: batch)
                    }
                })
        }
        for batch in 0..<batches {
            for (offset, result) in board.results(of: batch).enumerated() {
                try deliver(batch * batchSize + offset, result)
            }
        }
    }
}

/// Where workers find the next batch and leave what came of it.
private final class Board<Output: Sendable>: @unchecked Sendable {
    // Sendable because everything mutable is touched under the monitor's lock.
    private let monitor = Monitor()
    private let batches: Int
    private let window: Int
    private var next = 0
    private var delivered = 0
    private var finished: [Int: [Output]] = [:]
    private var isClosed = false

    init(batches: Int, window: Int) {
        self.batches = batches
        self.window = window
    }

    /// The next batch; waits while too many are undelivered. Nil when there is none left.
    func take() -> Int? {
        monitor.lock()
        defer { monitor.unlock() }
        while !isClosed && next < batches && next >= delivered + window { monitor.wait() }
        guard !isClosed, next < batches else { return nil }
        defer { next += 1 }
        return next
    }

    func put(_ results: [Output], for batch: Int) {
        monitor.lock()
        defer { monitor.unlock() }
        finished[batch] = results
        monitor.wakeAll()
    }

    func results(of batch: Int) -> [Output] {
        monitor.lock()
        defer { monitor.unlock() }
        while true {
            if let results = finished.removeValue(forKey: batch) {
                delivered = batch + 1
                monitor.wakeAll()
                return results
            }
            monitor.wait()
        }
    }

    func close() {
        monitor.lock()
        isClosed = true
        monitor.wakeAll()
        monitor.unlock()
    }
}
