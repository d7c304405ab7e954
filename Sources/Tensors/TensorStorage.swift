// SPDX-License-Identifier: MIT

import SystemCalls

/// Bytes that tensors stand on: memory of its own, or a part of something that another object keeps alive, such as a
/// mapped file. Never changes once made.
public final class TensorStorage: @unchecked Sendable {
    // Sendable holds because the bytes are written before the storage is shared, and never after.

    /// The bytes, valid as long as this object lives.
    public let bytes: UnsafeRawBufferPointer
    /// Whether the bytes belong to another object, for example a mapped file.
    public let isBorrowed: Bool
    private let owner: any AnyObject & Sendable

    /// Alignment of owned memory in bytes: a cache line, and a vector of AVX-512.
    public static let alignment = AlignedMemory.alignment

    /// Borrows bytes that `owner` keeps alive and unchanged.
    public init(borrowing bytes: UnsafeRawBufferPointer, owner: any AnyObject & Sendable) {
        self.bytes = bytes
        self.owner = owner
        isBorrowed = true
    }

    /// Allocates `byteCount` bytes, zeroed, and lets `initialize` write them.
    public init(byteCount: Int, initialize: (UnsafeMutableRawBufferPointer) throws -> Void) rethrows {
        let memory = AlignedMemory(byteCount: byteCount)
        bytes = UnsafeRawBufferPointer(start: memory.base, count: byteCount)
        owner = memory
        isBorrowed = false
        try initialize(UnsafeMutableRawBufferPointer(start: memory.base, count: byteCount))
    }

    /// Gives back the memory of a part of ``bytes`` that stands in a mapped file and is not expected to be read again.
    package func release(_ part: UnsafeRawBufferPointer) { (owner as? MappedFile)?.release(part) }
}
