// SPDX-License-Identifier: MIT

import Images
import Synchronization
import SystemCalls

/// An image that a thread of its own reads and prepares while its model is loaded.
package final class ImagePrefetch: Sendable {
    private final class Outcome: Sendable {
        let value = Mutex<(image: Result<PreparedImage, any Error>, milliseconds: Double)?>(nil)
    }

    private let outcome = Outcome()
    private let thread: Thread
    private let isJoined = Mutex(false)

    /// Begins.
    ///
    /// - Parameters:
    ///   - read: Gives the bytes of the image.
    /// - Throws: `InferenceError.invalidInput`, or an error of the system if it gives no thread.
    package init(
        for input: ModelDescription.Input, limits: ImageLimits, read: @escaping @Sendable () throws -> [UInt8]
    ) throws {
        let preprocessor = try Preprocessor(input)
        thread = try Thread.beside { [outcome] in
            let start = SystemClock.monotonicSeconds
            let image = Result { try preprocessor.prepared(read(), limits: limits) }
            let milliseconds = (SystemClock.monotonicSeconds - start) * 1000
            outcome.value.withLock { $0 = (image, milliseconds) }
        }
    }

    deinit { join() }

    /// Waits for the image.
    ///
    /// - Returns: It, or why there is none, and how long it took.
    func wait() -> (image: Result<PreparedImage, any Error>, milliseconds: Double) {
        join()
        guard let outcome = outcome.value.withLock({ $0 }) else {
            preconditionFailure("a thread ended without what it was started for")
        }
        return outcome
    }

    private func join() {
        isJoined.withLock { isJoined in
            if !isJoined { thread.join() }
            isJoined = true
        }
    }
}
