// SPDX-License-Identifier: MIT

extension UnsafeRawBufferPointer {
    /// The unsigned number in `bytes` bytes (1 to 8) from `offset`; nil where they do not lie within the buffer.
    func unsigned(at offset: Int, bytes: Int, littleEndian: Bool) -> UInt64? {
        guard offset >= 0, bytes <= count, offset <= count - bytes else { return nil }
        var value: UInt64 = 0
        for index in 0..<bytes {
            let byte = self[offset + (littleEndian ? bytes - 1 - index : index)]
            value = value << 8 | UInt64(byte)
        }
        return value
    }

    /// The big-endian number in `bytes` bytes (1 to 4) from `offset`; nil where they do not lie within the buffer.
    func bigEndian(at offset: Int, bytes: Int) -> Int? {
        unsigned(at: offset, bytes: bytes, littleEndian: false).map { Int(truncatingIfNeeded: $0) }
    }

    /// Where `pattern` first occurs at or after `start`.
    func firstOffset(of pattern: [UInt8], from start: Int) -> Int? {
        guard let first = pattern.first, count >= pattern.count else { return nil }
        var position = start
        while position <= count - pattern.count {
            guard let next = self[position...].firstIndex(of: first) else { return nil }
            if self[next...].starts(with: pattern) { return next }
            position = next + 1
        }
        return nil
    }
}
