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

/// Where each step's weights stand in the block, and how they get there.
struct WeightsLayout {
    /// Floats reserved so far.
    private(set) var count = 0
    private var parts: [(offset: Int, write: (Output) throws -> Void)] = []

    /// Reserves room at a cache line's border; `write` is called with its address if the block is to be filled.
    ///
    /// - Returns: The offset in Floats.
    mutating func reserve(_ count: Int, write: @escaping (Output) throws -> Void) -> Int {
        let offset = (self.count + 15) / 16 * 16
        parts.append((offset, write))
        self.count = offset + count
        return offset
    }

    /// Writes all parts.
    func fill(_ base: Output) throws {
        for part in parts { try part.write(base + part.offset) }
    }
}

/// What a run reads of the prepared weights after the weights of a product: known when all steps are.
final class WeightsOrder {
    /// Offsets of the products of images, in order: they take long enough to ask memory for what follows them.
    var products: [Int] = []
    /// Floats of all weights.
    var count = 0

    /// The weights from an offset on that are read before the next product's, and the first of those.
    func following(_ offset: Int) -> Range<Int> {
        let next = products.first { $0 >= offset } ?? count
        return min(offset, count)..<min(next + Self.firstOfNext, count)
    }

    /// Floats: the first panels of most products.
    private static let firstOfNext = 16384
}
