// SPDX-License-Identifier: MIT

import Kernels

/// A convolution of any shape by OpenBLAS: the windows of some lines are copied behind each other (im2col), which makes it a
/// product of matrices for each group.
struct LibraryConvolutionStep: PixelStep {
    /// One group's; its weights and biases are the first one's.
    let product: LibraryProduct
    let output: Slot
    let input: Slot
    let geometry: WindowGeometry
    let groups: Int

    private var groupInputs: Int { geometry.channels / groups }
    private var outChannels: Int { product.n * groups }
    private var blocks: ProductBlocks { Self.blocks(geometry, n: product.n, k: product.k) }

    /// How a group's output is cut, in whole lines.
    static func blocks(_ geometry: WindowGeometry, n: Int, k: Int) -> ProductBlocks {
        let lineFloats = geometry.outputWidth * k
        // The copied windows lie in a cache too, unless the product would be too low.
        let lines = max(1, max(windowFloats / lineFloats, (leastRows - 1) / geometry.outputWidth + 1))
        return ProductBlocks(
            rows: geometry.outputHeight * geometry.outputWidth, columns: n, depth: k, unit: geometry.outputWidth,
            mostRows: lines * geometry.outputWidth)
    }

    var scratchByteCount: Int { max(blocks.blockRows, geometry.outputWidth) * product.k * 4 }

    func run(_ run: StepRun) {
        let blocks = blocks
        for group in 0..<groups {
            var copied = 0..<0
            for index in run.share(of: blocks.count) {
                let block = blocks[index]
                if block.rows != copied { copyWindows(run, of: block.rows, group: group) }
                copied = block.rows
                multiply(run, rows: block.rows, columns: block.columns, group: group, output: run.write(output))
            }
        }
    }

    /// A line at a time: which lines are asked for together depends on the threads.
    func run(_ run: StepRun, pixels: Range<Int>, output: Output) {
        for first in stride(from: pixels.lowerBound, to: pixels.upperBound, by: geometry.outputWidth) {
            let line = first..<first + geometry.outputWidth
            for group in 0..<groups {
                copyWindows(run, of: line, group: group)
                multiply(run, rows: line, columns: 0..<product.n, group: group, output: output)
            }
        }
    }

    private func copyWindows(_ run: StepRun, of rows: Range<Int>, group: Int) {
        run.kernels.move.copyWindows(
            run.scratch, run.read(input), geometry, group * groupInputs..<(group + 1) * groupInputs,
            rows.lowerBound / geometry.outputWidth..<rows.upperBound / geometry.outputWidth)
    }

    private func multiply(_ run: StepRun, rows: Range<Int>, columns: Range<Int>, group: Int, output: Output) {
        let place = rows.lowerBound * outChannels + group * product.n
        product.group(group).compute(
            run, output: output + place, outputStride: outChannels, input: Input(run.scratch), inputStride: product.k,
            place: place, rows: rows.count, columns: columns)
    }

    /// Floats of windows that stay in L2 beside what the library copies.
    private static let windowFloats = CacheSizes.l2Floats / 4
    /// Fewer rows would not pay for the library's copy of the weights.
    private static let leastRows = 96
}
