// SPDX-License-Identifier: MIT

import SystemCalls

/// Bytes that tensors stand on: memory of its own, or a part of something that another object keeps alive, such as a
/// mapped file. Never changes once made.
public final class TensorStorage: @unchecked Sendable {
    // Sendable holds because the bytes are written before the storage is shared, and never after.

    /// The bytes, valid as long as this object lives.
    public let bytes: UnsafeRawBufferPointer
    /// Whether the bytes belong to another object, for example a mapped file.
    public var isBorrowed: Bool { owner != nil }
    private let owner: (any AnyObject & Sendable)?
    private let reserved: ReservedMemory?

    /// Alignment of owned memory in bytes: a cache line, and a vector of AVX-512.
    public static let alignment = 64

    /// Bytes from which on memory is asked of the kernel.
    private static let large = 2 << 20

    /// Borrows bytes that `owner` keeps alive and unchanged.
    public init(borrowing bytes: UnsafeRawBufferPointer, owner: any AnyObject & Sendable) {
        self.bytes = bytes
        self.owner = owner
        reserved = nil
    }

    /// Allocates `byteCount` bytes, zeroed, and lets `initialize` write them.
    public init(byteCount: Int, initialize: (UnsafeMutableRawBufferPointer) throws -> Void) rethrows {
        // The kernel's own zeroes, page by page as it is written, by several threads it may be.
        reserved = byteCount < TensorStorage.large ? nil : ReservedMemory(byteCount: byteCount)
        let memory =
            reserved?.base ?? .allocateZeroed(byteCount: byteCount, alignment: TensorStorage.alignment)
        self.bytes = UnsafeRawBufferPointer(start: memory, count: byteCount)
        self.owner = nil
        try initialize(UnsafeMutableRawBufferPointer(start: memory, count: byteCount))
    }

    deinit {
        if owner == nil, reserved == nil {
            bytes.baseAddress.map { UnsafeMutableRawPointer(mutating: $0).deallocate() }
        }
    }
}
