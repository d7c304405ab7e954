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

    var scratchByteCount: Int { packedCount * 4 }

    func run(_ run: StepRun) {
        let packed = run.scratch
        let kernels = run.kernels
        // Whole products go to workers; a single one is shared out by rows, for which each packs the matrix.
        let isSingle = leftOffsets.count < run.parts
        let products = isSingle ? 0..<leftOffsets.count : run.share(of: leftOffsets.count)
        let rows = isSingle ? run.share(of: m, granule: kernels.gemm.tileRows) : 0..<m
        guard !rows.isEmpty, n > 0 else { return }
        var last: Int?
        for index in products {
            if last != rightOffsets[index] {
                kernels.packRows(packed, run.read(right) + rightOffsets[index], n: n, k: k)
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

extension KernelTable {
    /// Packs a matrix [k, n] whose columns are those of the product: what `gemm.pack` makes of the transposed one, with a padded last
    /// panel.
    func packRows(_ packed: Output, _ matrix: Input, n: Int, k: Int) {
        for column in stride(from: 0, to: n, by: panelWidth) {
            let count = min(panelWidth, n - column)
            for row in 0..<k {
                let target = packed + column * k + row * panelWidth
                target.update(from: matrix + row * n + column, count: count)
                if count < panelWidth { (target + count).update(repeating: 0, count: panelWidth - count) }
            }
        }
    }
}

/// softmax(scale * query · keyᵀ + mask) · value, some queries of a head at a time.
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
    /// Queries that are worked on at a time.
    let blockRows: Int

    /// Scores that are worked on at a time, if there are no fewer: a first cache of 32 KB holds them.
    static let scoreFloats = 8192

    private var scoresCount: Int { (blockRows * keys + 15) / 16 * 16 }
    private var scaledCount: Int { (blockRows * depth + 15) / 16 * 16 }

    var scratchByteCount: Int { (scoresCount + scaledCount + packedKeys + packedValues) * 4 }

    func run(_ run: StepRun) {
        let kernels = run.kernels
        let scores = run.scratch
        let scaled = scores + scoresCount
        let packedKeys = scaled + scaledCount
        let packedValues = packedKeys + self.packedKeys
        let blocks = (length + blockRows - 1) / blockRows
        var packedHead: Int?
        for item in run.share(of: heads * blocks) {
            let (head, first) = (item / blocks, item % blocks * blockRows)
            if packedHead != head {
                kernels.gemm.pack(packedKeys, run.read(key) + head * keys * depth, keys, depth, .padded)
                kernels.packRows(packedValues, run.read(value) + head * keys * valueDepth, n: valueDepth, k: keys)
                packedHead = head
            }
            let block = first..<min(first + blockRows, length)
            withUnsafePointer(to: scale) {
                kernels.elementwise.combine(
                    scaled, RunOperand(run.read(query) + (head * length + first) * depth), RunOperand($0, step: 0),
                    .multiply, block.count * depth)
            }
            kernels.gemm.multiply(
                GemmCall(
                    output: scores, outputStride: keys, input: Input(scaled), inputStride: depth,
                    packed: Input(packedKeys), m: block.count, n: keys, k: depth))
            if let mask { add(run.read(mask) + maskOffsets[head], to: scores, block, kernels) }
            kernels.reduce.softmax(scores, Input(scores), block.count, keys)
            kernels.gemm.multiply(
                GemmCall(
                    output: run.write(output) + (head * length + first) * valueDepth, outputStride: valueDepth,
                    input: Input(scores), inputStride: keys, packed: Input(packedValues), m: block.count, n: valueDepth,
                    k: keys))
        }
    }

    private func add(_ mask: Input, to scores: Output, _ block: Range<Int>, _ kernels: KernelTable) {
        for (row, query) in block.enumerated() {
            let part = scores + row * keys
            kernels.elementwise.combine(
                part, RunOperand(Input(part)), RunOperand(mask + query * maskRowStride), .add, keys)
        }
    }
}
