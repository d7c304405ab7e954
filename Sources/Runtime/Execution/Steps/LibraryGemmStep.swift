// SPDX-License-Identifier: MIT

import Kernels

/// A 1x1 convolution by OpenBLAS: every pixel's channels times one matrix.
struct LibraryGemmStep: PixelStep, ColumnStep {
    let product: LibraryProduct
    let output: Slot
    let input: Slot
    /// Factors of the input's channels, if it is to be multiplied by them first: the weights are multiplied in its place.
    let scale: Slot?
    /// Pixels of one image, and of a line.
    let pixels: Int
    let linePixels: Int

    private var blocks: ProductBlocks { ProductBlocks(rows: pixels, columns: product.n, depth: product.k) }

    var scratchByteCount: Int { scale == nil ? 0 : product.n * product.k * 4 }

    func run(_ run: StepRun) {
        let blocks = blocks
        let share = run.share(of: blocks.count)
        guard !share.isEmpty else { return }
        let weights = scaledWeights(run)
        for index in share {
            let block = blocks[index]
            compute(run, rows: block.rows, columns: block.columns, weights: weights, output: run.write(output))
        }
    }

    /// A line at a time: which lines are asked for together depends on the threads.
    func run(_ run: StepRun, pixels: Range<Int>, output: Output) {
        guard !pixels.isEmpty else { return }
        let weights = scaledWeights(run)
        for first in stride(from: pixels.lowerBound, to: pixels.upperBound, by: linePixels) {
            let line = first..<min(first + linePixels, pixels.upperBound)
            compute(run, rows: line, columns: 0..<product.n, weights: weights, output: output)
        }
    }

    func run(_ run: StepRun, columns: Range<Int>, output: Output) {
        product.compute(
            run, output: output - columns.lowerBound, outputStride: columns.count, input: run.read(input),
            inputStride: product.k, place: 0, rows: pixels, columns: columns)
    }

    private func compute(
        _ run: StepRun, rows: Range<Int>, columns: Range<Int>, weights: Input?, output: Output
    ) {
        let first = rows.lowerBound
        product.compute(
            run, output: output + first * product.n, outputStride: product.n,
            input: run.read(input) + first * product.k, inputStride: product.k, weights: weights,
            place: first * product.n, rows: rows.count, columns: columns)
    }

    private func scaledWeights(_ run: StepRun) -> Input? {
        guard let scale else { return nil }
        run.kernels.elementwise.scaleRows(
            run.scratch, run.weights(product.weight), run.read(scale), product.k, product.n)
        return Input(run.scratch)
    }
}
