// SPDX-License-Identifier: MIT

import Kernels
import Tensors

/// All weights of a plan as its kernels read them: batch norm folded, matrices packed. One block, written once, then shared
/// by all sessions, or by all processes that map it.
public final class PreparedWeights: Sendable {
    /// The bytes, valid as long as this object lives.
    public var bytes: UnsafeRawBufferPointer { storage.bytes }
    private let storage: TensorStorage

    /// Takes a block that was prepared before, for the same network and the same kernels, and that `owner` keeps alive.
    public init(mapping bytes: UnsafeRawBufferPointer, owner: any AnyObject & Sendable) {
        storage = TensorStorage(borrowing: bytes, owner: owner)
    }

    init(_ layout: WeightsLayout) throws {
        storage = try TensorStorage(byteCount: layout.count * 4) { bytes in
            guard let base = bytes.bindMemory(to: Float.self).baseAddress else { return }
            try layout.fill(base)
        }
    }

    var base: UnsafePointer<Float>? { storage.bytes.baseAddress?.assumingMemoryBound(to: Float.self) }
}
