// SPDX-License-Identifier: MIT

/// Counts a connection's frames against what they bring. Each frame costs one; DATA with a body, answers and time earn. A client
/// that works never comes near the end; one that floods with empty frames, of whatever kind, is there at once.
///
/// It finds the frames only by their lengths, so none escapes it, known or unknown, on an open stream or a closed one.
///
/// - Source: RFC 9113, sections 4.1 and 10.5.
struct FrameBudget {
    /// DATA frames of so many bytes are free; longer ones earn as much for each part of that size.
    private static let freeDataBytes = 64

    private let limit: Int
    /// What is left.
    private(set) var left: Int
    /// What has come of a frame's header: 3 bytes of length, then the type, then 5 bytes that do not matter here.
    private var headerCount = 0
    private var length = 0
    private var isData = false
    private var payloadLeft = 0

    init(limit: Int) {
        self.limit = limit
        left = limit
    }

    /// Takes note of bytes that came.
    ///
    /// - Returns: Whether the client is still within its budget.
    mutating func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            if payloadLeft > 0 {
                let count = min(payloadLeft, rest.count)
                payloadLeft -= count
                rest = rest.dropFirst(count)
                continue
            }
            let byte = rest.removeFirst()
            if headerCount < 3 { length = length << 8 | Int(byte) }
            if headerCount == 3 { isData = byte == 0 }
            headerCount += 1
            guard headerCount == 9 else { continue }
            left -= 1
            if isData { earn(length / Self.freeDataBytes) }
            payloadLeft = length
            (headerCount, length) = (0, 0)
            if left < 0 { return false }
        }
        return true
    }

    /// Adds what the client has earned, up to the limit.
    mutating func earn(_ amount: Int) { left = min(left + amount, limit) }
}
