// SPDX-License-Identifier: MIT

import SystemCalls

/// Arenas and scratch for sessions that run by turns: they need what the largest of their plans takes, not what all
/// take. Used by one of them at a time.
public final class SessionMemory {
    /// Each thread's arena for an image, and its scratch behind it: together they are large enough for huge pages.
    let threads: [AlignedMemory]
    /// The arena for whole batches.
    let batch: AlignedMemory

    /// Reserves what any of the plans needs; the kernel gives the pages as they are first used.
    ///
    /// - Parameters:
    ///   - threads: Threads of each session, as they are started with.
    public init(for plans: [Plan], threads: Int = 1) {
        let size = plans.map(\.threadBytes).max() ?? 0
        self.threads = (0..<max(1, threads)).map { _ in AlignedMemory(reserving: size) }
        batch = AlignedMemory(reserving: plans.map(\.batchBytes).max() ?? 0)
    }

    /// Gives the kernel what no session needs between its runs; the next run takes it again.
    func giveBack() {
        for memory in threads { memory.giveBack() }
        batch.giveBack()
    }

    /// Whether it is large enough for a plan.
    func suits(_ plan: Plan, threads count: Int) -> Bool {
        threads.count >= count && threads[0].byteCount >= plan.threadBytes && batch.byteCount >= plan.batchBytes
    }
}

extension Plan {
    /// Where a thread's scratch begins, behind its arena.
    var scratchOffset: Int { imageArenaBytes.roundedUpToCacheLine }

    /// Bytes of a thread's arena and scratch.
    fileprivate var threadBytes: Int { scratchOffset + scratchBytes }

    /// Bytes of the arena for whole batches.
    fileprivate var batchBytes: Int { batchArenaBytes * Self.batchCapacity }
}
