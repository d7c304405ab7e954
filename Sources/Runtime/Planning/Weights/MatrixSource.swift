// SPDX-License-Identifier: MIT

import Kernels
import Synchronization
import SystemCalls
import Tensors

/// A constant matrix [rows, depth] as packing reads it, a few rows at a time: converted, scaled and reordered while they are in
/// cache, so that a weight goes through memory once, from its file to the prepared block.
struct MatrixSource: Sendable {
    /// The tensor's name, for messages.
    let name: String
    let tensor: Tensor
    let rows: Int
    /// Values of a row.
    let depth: Int
    /// Whether the tensor is [depth, rows].
    var isTransposed = false
    /// A row is [channels, pixels] in the tensor, and [pixels, channels] for the kernels.
    var pixels = 1
    /// What each row is multiplied by, if by anything.
    var scale: FoldedBatchNorm?
    /// They read and pack the rows.
    let kernels: KernelTable

    init(name: String, tensor: Tensor, rows: Int, kernels: KernelTable) {
        self.name = name
        self.tensor = tensor
        self.rows = rows
        self.kernels = kernels
        depth = rows == 0 ? 0 : tensor.elementCount / rows
    }

    /// Calls `body` with blocks of rows, first to last, each block [count, depth]. What is read is gone when `body` returns.
    ///
    /// - Parameters:
    ///   - range: The rows to read.
    ///   - multiple: Blocks but the last have a multiple of so many rows.
    /// - Throws: `TensorError.notFinite`, and what `body` throws.
    func forEachBlock(
        of range: Range<Int>, multiple: Int, _ body: (_ block: Range<Int>, _ values: Input) throws -> Void
    ) throws {
        guard !range.isEmpty, depth > 0 else { return }
        let count = max(1, Self.blockFloats / (depth * multiple)) * multiple
        let blocks = stride(from: range.lowerBound, to: range.upperBound, by: count).map { first in
            first..<min(first + count, range.upperBound)
        }
        if areRowsFloats && scale == nil && !isReordered {
            return try tensor.withUnsafeBytes { bytes in
                let values = bytes.assumingMemoryBound(to: Float.self)
                guard let base = values.baseAddress else { return }
                for block in blocks {
                    let part = (block.lowerBound * depth)..<(block.upperBound * depth)
                    try checkFinite(UnsafeBufferPointer(rebasing: values[part]))
                    try body(block, base + part.lowerBound)
                }
            }
        }
        let blockCount = min(count, range.count) * depth
        try withUnsafeTemporaryAllocation(of: Float.self, capacity: blockCount + rowCount(ofBlock: blockCount)) {
            memory in
            guard let base = memory.baseAddress else { return }
            for block in blocks {
                try write(block, to: base, row: base + blockCount)
                try body(block, base)
            }
        }
    }

    /// All rows at once.
    ///
    /// - Throws: `TensorError.notFinite`.
    func floats() throws -> [Float] {
        let all = rows * depth
        return try withUnsafeTemporaryAllocation(of: Float.self, capacity: rowCount(ofBlock: all)) { row in
            try [Float](unsafeUninitializedCapacity: all) { buffer, count in
                if let base = buffer.baseAddress, let row = row.baseAddress { try write(0..<rows, to: base, row: row) }
                count = all
            }
        }
    }

    /// Floats of the memory for one row, or for all of the block if the tensor is transposed.
    private func rowCount(ofBlock count: Int) -> Int { max(depth, isTransposed ? count : 0) }

    /// Floats that a block is to take, so that it stays in L2 until it is packed.
    private static let blockFloats = CacheSizes.l2Floats / 16

    /// Whether the tensor holds the rows one after the other, as Floats.
    private var areRowsFloats: Bool {
        !isTransposed && tensor.elementType == .float32
            && tensor.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) % 4 == 0 }
    }

    private var isReordered: Bool { pixels > 1 && pixels < depth }

    /// Writes rows as the kernels want them.
    ///
    /// - Parameter row: Memory for one row, or for all of the block if the tensor is transposed.
    private func write(_ block: Range<Int>, to output: Output, row: Output) throws {
        let scales = try scale?.scaleAndShift().scale
        if isTransposed { try writeTransposed(block, to: output, row: row) }
        let areFloats = areRowsFloats
        for (place, index) in block.enumerated() {
            let target = output + place * depth
            if isTransposed {
                if isReordered {
                    row.update(from: target, count: depth)
                    reorder(target, row)
                }
            } else if areFloats {
                try tensor.withUnsafeBytes { bytes in
                    let values = UnsafeBufferPointer(
                        rebasing: bytes.assumingMemoryBound(to: Float.self)[index * depth..<(index + 1) * depth])
                    guard let base = values.baseAddress else { return }
                    try checkFinite(values)
                    if isReordered { reorder(target, base) } else { target.update(from: base, count: depth) }
                }
            } else {
                // A row that is reordered is read beside its place.
                let values = isReordered ? row : target
                tensor.copyFloats(from: index * depth, to: UnsafeMutableBufferPointer(start: values, count: depth))
                try checkFinite(UnsafeBufferPointer(start: values, count: depth))
                if isReordered { reorder(target, values) }
            }
            if let scales {
                let scale = scales[index]
                for place in 0..<depth { target[place] = Float(Double(target[place]) * scale) }
            }
        }
    }

    /// Writes rows of a tensor [depth, rows], each depth of which has the block's rows side by side.
    private func writeTransposed(_ block: Range<Int>, to output: Output, row: Output) throws {
        for index in 0..<depth {
            let part = UnsafeMutableBufferPointer(start: row + index * block.count, count: block.count)
            tensor.copyFloats(from: index * rows + block.lowerBound, to: part)
        }
        try checkFinite(UnsafeBufferPointer(start: row, count: block.count * depth))
        kernels.move.transpose(output, depth, row, block.count, depth, block.count)
    }

    /// output [pixels, channels] = input [channels, pixels].
    private func reorder(_ output: Output, _ input: Input) {
        let channels = depth / pixels
        kernels.move.transpose(output, channels, input, pixels, channels, pixels)
    }

    private func checkFinite(_ values: UnsafeBufferPointer<Float>) throws {
        // The message says how many of the whole tensor are not.
        if !values.areFinite { throw TensorError.notFinite(name: name, count: tensor.nonFiniteCount) }
    }
}

/// A batch norm as one multiplication and one addition per channel, worked out in Double when it is first asked for: not before,
/// since a worker whose weights were prepared elsewhere has none.
final class FoldedBatchNorm: Sendable {
    private let epsilon: Double
    private let constants: [(name: String, tensor: Tensor)]
    private let result = Mutex<(scale: [Double], shift: [Double])?>(nil)

    /// - Parameter constants: Scale, bias, mean and variance, by name.
    init(epsilon: Double, constants: [(name: String, tensor: Tensor)]) {
        self.epsilon = epsilon
        self.constants = constants
    }

    /// - Throws: `TensorError.notFinite`.
    func scaleAndShift() throws -> (scale: [Double], shift: [Double]) {
        try result.withLock { result in
            if let result { return result }
            let made = try computed()
            result = made
            return made
        }
    }

    private func computed() throws -> (scale: [Double], shift: [Double]) {
        let values = try constants.map { try $0.tensor.finiteFloats(name: $0.name) }
        let (weight, bias, mean, variance) = (values[0], values[1], values[2], values[3])
        let scale = weight.indices.map { Double(weight[$0]) / (Double(variance[$0]) + epsilon).squareRoot() }
        let shift = weight.indices.map { Double(bias[$0]) - Double(mean[$0]) * scale[$0] }
        return (scale, shift)
    }
}
