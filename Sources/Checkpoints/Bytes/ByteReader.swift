// SPDX-License-Identifier: MIT

/// A position in a ``ByteRegion`` that moves forward as values are read. Reading past the end throws.
package struct ByteReader {
    /// What the bytes are, for messages: `data.pkl`, `central directory`.
    package let part: String
    package let region: ByteRegion
    package private(set) var offset: Int

    package init(_ region: ByteRegion, part: String, offset: Int = 0) {
        self.region = region
        self.part = part
        self.offset = min(max(0, offset), region.count)
    }

    package var remaining: Int { region.count - offset }

    /// The next `count` bytes.
    ///
    /// - Throws: `CheckpointError.truncated`.
    package mutating func take(_ count: Int) throws -> ByteRegion {
        guard let slice = region.slice(at: offset, count: count) else { throw truncated(needed: count) }
        offset += count
        return slice
    }

    package mutating func byte() throws -> UInt8 { try integer(UInt8.self) }

    /// The next little-endian integer.
    package mutating func integer<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) throws -> T {
        guard let value = region.integer(type, at: offset) else { throw truncated(needed: MemoryLayout<T>.size) }
        offset += MemoryLayout<T>.size
        return value
    }

    /// The next `size`-byte unsigned length, which must fit what is left of the bytes: a length that lies is found
    /// before memory is taken for it.
    package mutating func length<T: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(_ type: T.Type) throws -> Int
    {
        let start = offset
        let value = try integer(type)
        guard let count = Int(exactly: value), count <= remaining else {
            throw CheckpointError.truncated(
                part: part, offset: start, needed: Int(clamping: value), available: remaining)
        }
        return count
    }

    /// The next line, without its newline.
    package mutating func line() throws -> ByteRegion {
        let rest = UnsafeRawBufferPointer(rebasing: region.bytes[offset...])
        guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { throw truncated(needed: remaining + 1) }
        let line = try take(end)
        offset += 1
        return line
    }

    package func malformed(_ reason: String, at position: Int? = nil) -> CheckpointError {
        .malformed(part: part, offset: position ?? offset, reason: reason)
    }

    private func truncated(needed: Int) -> CheckpointError {
        .truncated(part: part, offset: offset, needed: needed, available: remaining)
    }
}
