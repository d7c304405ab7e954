// SPDX-License-Identifier: MIT

import Kernels

/// Rows of bytes times one matrix.
struct IntegerLinearStep: Step {
    let input: Slot
    let weight: Int
    let epilogue: IntegerEpilogue
    /// Rows of one input. A single one stands by itself: then a batch has more of them, each in whole words.
    let rows: Int
    let n: Int
    let k: Int
    /// Words of a row.
    let wordCount: Int

    private var blockRows: Int { max(24, min(rows == 1 ? Plan.batchCapacity : rows, 32768 / max(1, wordCount))) }

    var scratchByteCount: Int { blockRows * wordCount * 4 }

    func run(_ run: StepRun) {
        let all = rows * run.rows
        let int8 = run.kernels.int8
        let granule = int8.columnGranule(of: n)
        let splitsColumns = run.splitsColumns(rows: all, granule: int8.tileRows, columns: n, granule)
        let share = splitsColumns ? 0..<all : run.share(of: all, granule: int8.tileRows)
        let columns = splitsColumns ? run.share(of: n, granule: granule) : 0..<n
        guard !columns.isEmpty else { return }
        let scratch = UnsafeMutableRawPointer(run.scratch)
        let inputStride = rows == 1 ? input.byteCount : k
        let outputStride = rows == 1 && !epilogue.isFloat ? epilogue.output.byteCount : n
        for first in stride(from: share.lowerBound, to: share.upperBound, by: blockRows) {
            let block = first..<min(first + blockRows, share.upperBound)
            let source = run.readBytes(input) + first * inputStride
            let stands = int8.areWords(k)
            if !stands { int8.expand(scratch, 4 * wordCount, source, inputStride, block.count, k) }
            int8.multiply(
                Int8GemmCall(
                    output: epilogue.target(first * outputStride + columns.lowerBound, run), outputStride: outputStride,
                    input: stands ? UnsafeRawPointer(source) : UnsafeRawPointer(scratch),
                    window: Int8Window(words: wordCount), rowStride: stands ? inputStride : 4 * wordCount,
                    rows: block.count, packed: run.words(weight) + columns.lowerBound * wordCount, n: columns.count,
                    requantization: epilogue.at(
                        column: columns.lowerBound, place: first * outputStride + columns.lowerBound,
                        stride: outputStride, run)))
        }
    }
}
