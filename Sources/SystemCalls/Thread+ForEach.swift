// SPDX-License-Identifier: MIT

import Synchronization

extension Thread {
    /// Calls `body` with 0 to `count` - 1, in any order, by up to `threads` threads, the caller's among them. Where the system gives fewer
    /// threads, those that there are do all.
    ///
    /// - Throws: Of what `body` throws, that of the smallest number, whatever the threads did first. What comes after a
    ///   number that failed may be left out.
    package static func forEach(
        count: Int, threads: Int, _ body: @Sendable (Int) throws -> Void
    ) throws {
        guard threads > 1, count > 1 else {
            for index in 0..<count { try body(index) }
            return
        }
        try withoutActuallyEscaping(body) { body in
            let numbers = Numbers(count: count)
            let others = (1..<min(threads, count)).compactMap { _ in try? Thread { numbers.run(body) } }
            numbers.run(body)
            others.forEach { $0.join() }
            try numbers.throwFirst()
        }
    }

    /// The numbers that are still to be called with, and the first of those that failed.
    private final class Numbers: Sendable {
        private let count: Int
        private let next = Atomic(0)
        private let failure = Mutex<(index: Int, error: any Error)?>(nil)

        init(count: Int) { self.count = count }

        func run(_ body: (Int) throws -> Void) {
            while true {
                let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard index < count else { return }
                do {
                    try body(index)
                } catch {
                    failure.withLock { first in
                        if first.map({ index < $0.index }) ?? true { first = (index, error) }
                    }
                    // Smaller numbers have all been taken.
                    next.store(count, ordering: .relaxed)
                }
            }
        }

        func throwFirst() throws {
            if let error = failure.withLock({ $0?.error }) { throw error }
        }
    }
}
