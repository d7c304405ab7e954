// SPDX-License-Identifier: MIT

import Kernels
import Tensors

/// All weights of a plan as its kernels read them: batch norm folded, matrices packed. One block, written once, then shared
/// by all sessions, or by all processes that map it.
public final class PreparedWeights: Sendable {
    /// The bytes, valid as long as this object lives.
    public var bytes: UnsafeRawBufferPointer { storage.bytes }
    /// That of the plan which packed them: ``Plan/fingerprint``.
    public let fingerprint: String
    private let storage: TensorStorage
    private let parts: [PackedConstants: Part]

    /// Where some constants stand, packed.
    struct Part: Sendable {
        let offset: Int
        private let constants: [Source]

        init(offset: Int, constants: [Tensor]) {
            self.offset = offset
            self.constants = constants.map { Source(storage: $0.storage) }
        }

        /// Whether the constants' bytes still stand where they stood: others may, once they are gone.
        var isValid: Bool { constants.allSatisfy { $0.storage != nil } }
    }

    private struct Source: Sendable {
        weak let storage: TensorStorage?
    }

    /// Takes a block that was prepared before and that `owner` keeps alive.
    ///
    /// - Parameters:
    ///   - fingerprint: That of the plan which packed it; another plan refuses it.
    public init(mapping bytes: UnsafeRawBufferPointer, owner: any AnyObject & Sendable, fingerprint: String) {
        self.fingerprint = fingerprint
        storage = TensorStorage(borrowing: bytes, owner: owner)
        parts = [:]
    }

    init(_ layout: WeightsLayout, fingerprint: String) throws {
        self.fingerprint = fingerprint
        parts = layout.parts
        storage = try TensorStorage(byteCount: layout.ownByteCount) { bytes in
            if let base = bytes.baseAddress { try layout.fill(base) }
        }
    }

    /// Where constants stand that were packed before.
    func offset(of constants: PackedConstants) -> Int? {
        guard let part = parts[constants], part.isValid else { return nil }
        return part.offset
    }
}
