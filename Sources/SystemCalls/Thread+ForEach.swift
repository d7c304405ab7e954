// SPDX-License-Identifier: MIT

import CLinux
import Glibc
import Synchronization

extension Thread {
    /// Threads that compute beside others, each of which keeps a core busy.
    private static let computing = Atomic(0)

    /// Starts a thread that computes while its maker does something else: until it ends, `forEach` leaves a core to it.
    ///
    /// - Throws: ``SystemError`` if the system gives no more threads.
    package static func beside(_ body: @escaping @Sendable () -> Void) throws(SystemError) -> Thread {
        computing.wrappingAdd(1, ordering: .relaxed)
        let maker = sched_getcpu()
        do {
            let thread = try Thread {
                leaveProcessor(maker)
                body()
                computing.wrappingSubtract(1, ordering: .relaxed)
            }
            sched_yield()
            return thread
        } catch {
            computing.wrappingSubtract(1, ordering: .relaxed)
            throw error
        }
    }

    /// Moves the calling thread to another processor than this one, if there is another.
    ///
    /// Linux often begins a thread on the processor of its maker though another is idle, above all in virtual machines, where an idle one
    /// looks as if it were taken away; the two then take turns for some milliseconds.
    private static func leaveProcessor(_ processor: Int32) {
        var all = cpu_set_t()
        let size = MemoryLayout<cpu_set_t>.size
        guard sched_getcpu() == processor, processor >= 0, processor < size * 8, sched_getaffinity(0, size, &all) == 0
        else {
            return
        }
        var others = all
        withUnsafeMutableBytes(of: &others) { $0[Int(processor) / 8] &= ~(1 << UInt8(processor % 8)) }
        if sched_setaffinity(0, size, &others) == 0 { sched_setaffinity(0, size, &all) }
    }

    /// Calls `body` with 0 to `count` - 1, in any order, by up to `threads` threads, the caller's among them.
    ///
    /// As long as other threads compute, fewer take part: two on one core would have the caller wait for the one that does not run.
    /// Where the system gives fewer threads, or has not let one of them begin before all is taken, those that run do all.
    ///
    /// - Throws: Of what `body` throws, that of the smallest number, whatever the threads did first. What comes after a
    ///   number that failed may be left out.
    package static func forEach(
        count: Int, threads: Int, _ body: @escaping @Sendable (Int) throws -> Void
    ) throws {
        guard threads > 1, count > 1 else {
            for index in 0..<count { try body(index) }
            return
        }
        let numbers = Numbers(count: count)
        var helpers = 0
        while let index = numbers.take() {
            while helpers < min(threads - 1, numbers.left), computing.load(ordering: .relaxed) < threads - 1 {
                guard let helper = try? beside({ while let index = numbers.take() { numbers.call(body, index) } })
                else {
                    break
                }
                helper.detach()
                helpers += 1
            }
            numbers.call(body, index)
        }
        try numbers.finish()
    }

    /// The numbers that are still to be called with, and the first of those that failed.
    private final class Numbers: @unchecked Sendable {
        // Sendable because all is read and written under the monitor's lock.
        private let monitor = Monitor()
        private var rest: Range<Int>
        private var underWay = 0
        private var failure: (index: Int, error: any Error)?

        init(count: Int) { rest = 0..<count }

        /// Numbers that no one has taken.
        var left: Int { monitor.withLock { rest.count } }

        /// The next number; nil if none is left.
        func take() -> Int? {
            monitor.withLock {
                guard let index = rest.popFirst() else { return nil }
                underWay += 1
                return index
            }
        }

        /// Calls with a number that was taken.
        func call(_ body: (Int) throws -> Void, _ index: Int) {
            let result = Result { try body(index) }
            monitor.withLock {
                underWay -= 1
                if underWay == 0 { monitor.wakeAll() }
                guard case .failure(let error) = result else { return }
                if failure.map({ index < $0.index }) ?? true { failure = (index, error) }
                // Smaller numbers have all been taken.
                rest = rest.upperBound..<rest.upperBound
            }
        }

        /// Waits for what is under way.
        func finish() throws {
            try monitor.withLock {
                while underWay > 0 { monitor.wait() }
                if let failure { throw failure.error }
            }
        }
    }
}
