// SPDX-License-Identifier: MIT

import HTTP
import Synchronization
import SystemCalls

/// How a job ended.
struct Completion: Sendable {
    let ticket: Ticket
    let response: Response
    /// How long it waited and how long it ran.
    let queueNanoseconds: UInt64
    let workNanoseconds: UInt64
}

/// Brings finished jobs from the inference threads to the event loop.
package final class Mailbox: Sendable {
    private let completions = Mutex<[Completion]>([])
    /// Wakes the loop.
    let wake: WakeSignal

    package init() throws {
        wake = try WakeSignal()
    }

    /// Adds a completion, from any thread.
    func post(_ completion: Completion) {
        let wasEmpty = completions.withLock { list in
            list.append(completion)
            return list.count == 1
        }
        if wasEmpty { wake.signal() }
    }

    /// Takes all that are there.
    func takeAll() -> [Completion] {
        wake.clear()
        return completions.withLock { list in
            defer { list.removeAll(keepingCapacity: true) }
            return list
        }
    }
}
