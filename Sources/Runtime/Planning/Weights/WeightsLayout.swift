// SPDX-License-Identifier: MIT

import SystemCalls
import Tensors

/// Where each step's weights stand in the block, and how they get there.
///
/// A plan for another input size shares the block of one that was made before: what that holds of the same constants, packed in the same
/// way, is not packed again. Its own block then goes on where the shared one ends.
struct WeightsLayout {
    /// Bytes reserved so far, the shared block's among them.
    private(set) var byteCount: Int
    /// Where the plan's own block begins.
    let firstOffset: Int
    private let shared: PreparedWeights?
    private var ownParts: [PackedConstants: (offset: Int, constants: [Tensor])] = [:]
    private var writes: [(offset: Int, write: @Sendable (UnsafeMutableRawPointer) throws -> Void)] = []

    init(sharing shared: PreparedWeights? = nil) {
        self.shared = shared
        firstOffset = shared.map { $0.bytes.count.roundedUpToCacheLine } ?? 0
        byteCount = firstOffset
    }

    /// Whether there is a block of another plan.
    var isSharing: Bool { shared != nil }

    /// Whether a plan for another size has packed some constants so.
    func shares(_ constants: [Tensor], packing: Packing) -> Bool {
        shared?.offset(of: PackedConstants(constants, packing)) != nil
    }

    /// Finds room for elements at a cache line's border; `writes` are called with its address if they are to be written, in any order and
    /// by several threads at the same time.
    ///
    /// - Parameters:
    ///   - constants: What they are made of.
    ///   - packing: How: it depends on the constants and the kernels, not on the input's size.
    /// - Returns: The offset in bytes.
    mutating func reserve<Element>(
        _ count: Int, of type: Element.Type, from constants: [Tensor], packing: Packing,
        writes: [@Sendable (UnsafeMutablePointer<Element>) throws -> Void]
    ) -> Int {
        let part = PackedConstants(constants, packing)
        if let offset = shared?.offset(of: part) { return offset }
        let offset = byteCount.roundedUpToCacheLine
        ownParts[part] = (offset, constants)
        for (index, write) in writes.enumerated() {
            self.writes.append(
                (
                    offset,
                    { base in
                        try write(base.bindMemory(to: type, capacity: count))
                        // Packed, they are not read again: the file's pages need not stay beside the block.
                        guard index == writes.count - 1 else { return }
                        for constant in constants { constant.withUnsafeBytes { constant.storage.release($0) } }
                    }
                ))
        }
        byteCount = offset + count * MemoryLayout<Element>.stride
        return offset
    }

    /// Finds room for elements that are written at once.
    mutating func reserve<Element>(
        _ count: Int, of type: Element.Type, from constants: [Tensor], packing: Packing,
        write: @escaping @Sendable (UnsafeMutablePointer<Element>) throws -> Void
    ) -> Int {
        reserve(count, of: type, from: constants, packing: packing, writes: [write])
    }

    /// Finds room for Floats.
    mutating func reserve(
        _ count: Int, from constants: [Tensor], packing: Packing,
        write: @escaping @Sendable (UnsafeMutablePointer<Float>) throws -> Void
    ) -> Int {
        reserve(count, of: Float.self, from: constants, packing: packing, writes: [write])
    }

    /// Bytes of the plan's own block.
    var ownByteCount: Int { byteCount - firstOffset }

    /// What stands where in the plan's own block, if it is the only one: other plans share that.
    var parts: [PackedConstants: PreparedWeights.Part] {
        guard shared == nil else { return [:] }
        return ownParts.mapValues { PreparedWeights.Part(offset: $0.offset, constants: $0.constants) }
    }

    /// Blocks smaller than this, in bytes, are written before another thread would have started.
    private static let smallest = 1 << 20

    /// Writes the plan's own block, on all cores.
    ///
    /// - Throws: What the first part that fails throws, in the order that they were reserved in.
    func fill(_ base: UnsafeMutableRawPointer) throws {
        let block = Block(base: base)
        let writes = writes.map { (offset: $0.offset - firstOffset, write: $0.write) }
        let threads = ownByteCount < Self.smallest ? 1 : CoreCount.current().usable
        try Thread.forEach(count: writes.count, threads: threads) { index in
            try writes[index].write(block.base + writes[index].offset)
        }
    }

    /// Memory of which each thread writes other bytes.
    private struct Block: @unchecked Sendable {
        let base: UnsafeMutableRawPointer
    }
}
