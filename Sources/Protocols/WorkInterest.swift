// SPDX-License-Identifier: MIT

import Synchronization

/// Whether somebody still waits for the result of some work. Long work asks between its parts, and stops when nobody does.
package final class WorkInterest: Sendable {
    private let isAlive = Atomic(true)

    package init() {}

    /// Whether the result is still wanted.
    package var isWanted: Bool { isAlive.load(ordering: .acquiring) }

    /// Notes that nobody waits any more: the client has gone, or was told that its time is over.
    package func end() {
        isAlive.store(false, ordering: .releasing)
    }
}
