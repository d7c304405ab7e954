// SPDX-License-Identifier: MIT

import Synchronization
import SystemCalls

/// Brings finished jobs from the inference threads to the event loop.
package final class Mailbox: Sendable {
    /// A finished job.
    struct Finished: Sendable {
        let completion: Completion
        let times: JobTimes
    }

    private let completions = Mutex<[Finished]>([])
    /// Wakes the loop.
    let wake: WakeSignal

    package init() throws {
        wake = try WakeSignal()
    }

    /// Adds a completion, from any thread.
    func post(_ completion: @escaping Completion, _ times: JobTimes) {
        let wasEmpty = completions.withLock { list in
            list.append(Finished(completion: completion, times: times))
            return list.count == 1
        }
        if wasEmpty { wake.signal() }
    }

    /// Takes all that are there.
    func takeAll() -> [Finished] {
        wake.clear()
        return completions.withLock { list in
            defer { list.removeAll(keepingCapacity: true) }
            return list
        }
    }
}
