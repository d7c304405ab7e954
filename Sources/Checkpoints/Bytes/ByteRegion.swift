// SPDX-License-Identifier: MIT

import Tensors

/// A range of read-only bytes, in a mapped file or in memory, that keeps its owner alive.
///
/// Every access is checked against the range, whatever the caller computed.
package struct ByteRegion: @unchecked Sendable {
    // Sendable holds because the bytes never change while their owner lives.

    /// What must live as long as the bytes: a mapping, or memory.
    package let owner: any AnyObject & Sendable
    /// The bytes. Valid as long as `owner` is.
    package let bytes: UnsafeRawBufferPointer

    /// - Precondition: `bytes` stays valid and unchanged as long as `owner` lives.
    package init(owner: any AnyObject & Sendable, bytes: UnsafeRawBufferPointer) {
        self.owner = owner
        self.bytes = bytes
    }

    /// All the bytes of a storage.
    package init(_ storage: TensorStorage) {
        self.init(owner: storage, bytes: storage.bytes)
    }

    /// A copy of `bytes` in memory of its own.
    package init(copying bytes: some Collection<UInt8>) {
        self.init(TensorStorage(byteCount: bytes.count) { $0.copyBytes(from: bytes) })
    }

    package var count: Int { bytes.count }

    /// The `count` bytes at `offset`, or nil where the region does not hold them.
    package func slice(at offset: Int, count: Int) -> ByteRegion? {
        guard offset >= 0, count >= 0, offset <= bytes.count, count <= bytes.count - offset else { return nil }
        return ByteRegion(owner: owner, bytes: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count]))
    }

    /// Byte for byte the same, eight at a time.
    package func hasSameBytes(as other: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count == other.count else { return false }
        var difference: UInt64 = 0
        let words = bytes.count / 8
        for word in 0..<words {
            difference |=
                bytes.loadUnaligned(fromByteOffset: word &* 8, as: UInt64.self)
                ^ other.loadUnaligned(fromByteOffset: word &* 8, as: UInt64.self)
        }
        return difference == 0 && bytes[(words * 8)...].elementsEqual(other[(words * 8)...])
    }

    /// The region begins with `prefix`.
    package func hasPrefix(_ prefix: [UInt8]) -> Bool { bytes.starts(with: prefix) }

    /// The little-endian integer at `offset`, or nil where the region ends before it does.
    package func integer<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type, at offset: Int) -> T? {
        guard offset >= 0, offset <= count, MemoryLayout<T>.size <= count - offset else { return nil }
        return T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
    }

    /// The bytes as text, or nil where they are not valid UTF-8 (surrogates are not).
    package var utf8: String? { String(validating: bytes, as: UTF8.self) }
}
