// SPDX-License-Identifier: MIT

import CDeflate
import CZlib

/// The CRC-32 of zip and gzip, over bytes that may come in pieces.
///
/// By libdeflate, which multiplies without carries where the CPU can: every weight of a model is checked at each start.
package struct CRC32: Sendable {
    /// The checksum of all bytes so far.
    package private(set) var value: UInt32 = 0

    package init() {}

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress else { return }
        value = libdeflate_crc32(value, base, bytes.count)
    }

    /// Takes the checksum of the bytes that follow, where that was computed by itself.
    package mutating func append(_ checksum: UInt32, ofBytes count: Int) {
        value = UInt32(truncatingIfNeeded: crc32_combine(UInt(value), UInt(checksum), count))
    }

    package static func of(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var checksum = CRC32()
        checksum.update(bytes)
        return checksum.value
    }
}
