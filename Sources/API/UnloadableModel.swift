// SPDX-License-Identifier: MIT

import SystemCalls

/// The model that the last reload could not load, if there was one.
package final class UnloadableModel: @unchecked Sendable {
    // Sendable because the monitor guards all that changes.
    private let monitor = Monitor()
    private var noted: (model: String, problem: String)?

    init() {}

    /// What was noted last.
    var value: (model: String, problem: String)? {
        monitor.lock()
        defer { monitor.unlock() }
        return noted
    }

    /// Notes a model; an empty problem means that all could be loaded.
    package func note(_ model: String, _ problem: String) {
        monitor.lock()
        defer { monitor.unlock() }
        noted = problem.isEmpty ? nil : (model, problem)
    }
}
