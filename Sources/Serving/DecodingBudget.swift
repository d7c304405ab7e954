// SPDX-License-Identifier: MIT

import Protocols
import SystemCalls

/// The memory that a worker's threads take together for images while they are decoded.
final class DecodingBudget: @unchecked Sendable {
    // Sendable because the monitor guards all that changes.
    private let monitor = Monitor()
    /// All of it, in bytes.
    let total: Int
    private var free: Int
    /// The longest wait for memory that other images have.
    private let patience: UInt64

    init(total: Int, patienceMilliseconds: UInt64 = 2000) {
        self.total = total
        free = total
        patience = patienceMilliseconds * 1_000_000
    }

    /// Does something with so many bytes, when they are free.
    ///
    /// - Throws: ``InferenceRefusal``: `.tooLarge` for more bytes than there are, `.noMemory` if others have them for too
    ///   long, `.unwanted` if nobody waits any more; or what `body` throws.
    func with<Result>(_ bytes: Int, for interest: WorkInterest, _ body: () throws -> Result) throws -> Result {
        if let refusal = refusal(of: bytes) { throw refusal }
        let end = SystemClock.monotonicNanoseconds() + patience
        while !take(bytes) {
            if !interest.isWanted { throw InferenceRefusal.unwanted }
            if SystemClock.monotonicNanoseconds() > end {
                throw InferenceRefusal.noMemory("other images have the memory for decoding; try again")
            }
            SystemClock.sleep(milliseconds: 5)
        }
        defer { giveBack(bytes) }
        return try body()
    }

    /// Why an image of so many bytes is never decoded; nil if it may be.
    func refusal(of bytes: Int) -> InferenceRefusal? {
        bytes <= total
            ? nil
            : .tooLarge("decoding this image takes \(bytes) bytes; the limit is \(total) (max-decoded-bytes)")
    }

    private func take(_ bytes: Int) -> Bool {
        monitor.lock()
        defer { monitor.unlock() }
        guard bytes <= free else { return false }
        free -= bytes
        return true
    }

    private func giveBack(_ bytes: Int) {
        monitor.lock()
        defer { monitor.unlock() }
        free += bytes
    }
}
