// SPDX-License-Identifier: MIT

import Kernels

/// Products of stacks of matrices that are known only when the network runs: the right ones are packed on the way.
struct MatMulStep: Step {
    let output: Slot
    let left: Source
    let right: Source
    let m: Int
    let n: Int
    let k: Int
    /// Where each product's matrices stand, in Floats.
    let leftOffsets: [Int]
    let rightOffsets: [Int]
    /// Floats of a packed matrix.
    let packedCount: Int

    var scratchByteCount: Int { ((n * k + 15) / 16 * 16 + packedCount) * 4 }

    func run(_ run: StepRun) {
        let transposed = run.scratch
        let packed = run.scratch + (n * k + 15) / 16 * 16
        let kernels = run.kernels
        // Whole products go to workers; a single one is shared out by rows, for which each packs the matrix.
        let isSingle = leftOffsets.count < run.parts
        let products = isSingle ? 0..<leftOffsets.count : run.share(of: leftOffsets.count)
        let rows = isSingle ? run.share(of: m, granule: kernels.gemm.tileRows) : 0..<m
        guard !rows.isEmpty, n > 0 else { return }
        var last: Int?
        for index in products {
            if last != rightOffsets[index] {
                kernels.move.transpose(transposed, k, run.read(right) + rightOffsets[index], n, k, n)
                kernels.gemm.pack(packed, Input(transposed), n, k, .padded)
                last = rightOffsets[index]
            }
            kernels.gemm.multiply(
                GemmCall(
                    output: run.write(output) + (index * m + rows.lowerBound) * n, outputStride: n,
                    input: run.read(left) + leftOffsets[index] + rows.lowerBound * k, inputStride: k,
                    packed: Input(packed), m: rows.count, n: n, k: k))
        }
    }
}

/// softmax(scale * query · keyᵀ + mask) · value, head by head.
struct AttentionStep: Step {
    let output: Slot
    let query: Slot
    let key: Slot
    let value: Slot
    let mask: Source?
    let scale: Float
    let heads: Int
    /// Queries, keys, and the sizes of a key and of a value.
    let length: Int
    let keys: Int
    let depth: Int
    let valueDepth: Int
    /// For each head, where its mask [length or 1, keys] begins; and from one of its rows to the next.
    let maskOffsets: [Int]
    let maskRowStride: Int
    /// Floats of a head's packed keys and values.
    let packedKeys: Int
    let packedValues: Int

    private var transposedCount: Int { (keys * valueDepth + 15) / 16 * 16 }
    private var scoresCount: Int { (length * keys + 15) / 16 * 16 }

    var scratchByteCount: Int { (transposedCount + scoresCount + packedKeys + packedValues) * 4 }

    func run(_ run: StepRun) {
        let kernels = run.kernels
        let transposed = run.scratch
        let scores = transposed + transposedCount
        let packedKeys = scores + scoresCount
        let packedValues = packedKeys + self.packedKeys
        for head in run.share(of: heads) {
            kernels.gemm.pack(packedKeys, run.read(key) + head * keys * depth, keys, depth, .padded)
            kernels.gemm.multiply(
                GemmCall(
                    output: scores, outputStride: keys, input: run.read(query) + head * length * depth,
                    inputStride: depth, packed: Input(packedKeys), m: length, n: keys, k: depth))
            withUnsafePointer(to: scale) {
                kernels.elementwise.combine(
                    scores, RunOperand(Input(scores)), RunOperand($0, step: 0), .multiply, length * keys)
            }
            if let mask {
                for row in 0..<length {
                    let part = scores + row * keys
                    kernels.elementwise.combine(
                        part, RunOperand(Input(part)),
                        RunOperand(run.read(mask) + maskOffsets[head] + row * maskRowStride), .add, keys)
                }
            }
            kernels.reduce.softmax(scores, Input(scores), length, keys)
            kernels.move.transpose(
                transposed, keys, run.read(value) + head * keys * valueDepth, valueDepth, keys, valueDepth)
            kernels.gemm.pack(packedValues, Input(transposed), valueDepth, keys, .padded)
            kernels.gemm.multiply(
                GemmCall(
                    output: run.write(output) + head * length * valueDepth, outputStride: valueDepth,
                    input: Input(scores), inputStride: keys, packed: Input(packedValues), m: length, n: valueDepth,
                    k: keys))
        }
    }
}
