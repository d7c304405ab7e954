// SPDX-License-Identifier: MIT

import Kernels

/// A linear layer, or a 1x1 convolution: every pixel's channels times one matrix.
struct GemmStep: PixelStep, ColumnStep {
    let output: Slot
    let input: Slot
    /// Factors of the input's channels, if it is to be multiplied by them first: the weights are multiplied in its place.
    var scale: Slot?
    /// Where the packed matrix stands in the prepared weights.
    let weight: Int
    let epilogue: StepEpilogue
    /// Pixels of one image.
    let pixels: Int
    /// Output and input channels.
    let n: Int
    let k: Int

    /// Floats of the packed matrix, and how it ends.
    let packedCount: Int
    let lastPanel: LastPanel
    /// The prepared weights that a run reads after these, if they are to be prefetched: places in bytes.
    var following = 0..<0

    var scratchByteCount: Int { scale == nil ? 0 : packedCount * 4 }

    func run(_ run: StepRun) {
        let rows = pixels * run.rows
        let (panel, tile) = (run.kernels.panelWidth, run.kernels.gemm.tileRows)
        if splitsColumns(rows: rows, run) {
            let columns = run.share(of: n, granule: panel)
            multiply(
                run, rows: 0..<rows, columns: columns, output: run.write(output) + columns.lowerBound, outputStride: n)
        } else {
            multiply(
                run, rows: run.share(of: rows, granule: tile), columns: 0..<n, output: run.write(output),
                outputStride: n)
        }
    }

    func run(_ run: StepRun, pixels: Range<Int>, output: Output) {
        multiply(run, rows: pixels, columns: 0..<n, output: output, outputStride: n)
    }

    /// Whether workers share out the columns: only if sharing out the rows would load them unevenly, since a row's next reader
    /// is the same worker then, and has it in its cache.
    private func splitsColumns(rows: Int, _ run: StepRun) -> Bool {
        let panels = (n + run.kernels.panelWidth - 1) / run.kernels.panelWidth
        let tiles = (rows + run.kernels.gemm.tileRows - 1) / run.kernels.gemm.tileRows
        let byColumns = (panels + run.parts - 1) / run.parts * tiles
        let byRows = (tiles + run.parts - 1) / run.parts * panels
        return byColumns < byRows
    }

    /// Writes some columns of all pixels, side by side.
    ///
    /// - Precondition: The columns begin at a panel's border, and there is no residual.
    func run(_ run: StepRun, columns: Range<Int>, output: Output) {
        multiply(run, rows: 0..<pixels, columns: columns, output: output, outputStride: columns.count)
    }

    /// - Parameter output: Where the first of the columns stands in row 0, or would stand.
    /// - Precondition: The columns begin at a panel's border.
    private func multiply(
        _ run: StepRun, rows: Range<Int>, columns: Range<Int>, output: Output, outputStride: Int
    ) {
        guard !rows.isEmpty, !columns.isEmpty else { return }
        let first = columns.lowerBound
        let lastPanel = columns.upperBound == n ? lastPanel : .padded
        // Who computes some columns prefetches as much of what follows.
        let floats = following.count / 4
        let share = floats * first / n..<floats * columns.upperBound / n
        var weights = run.weights(weight) + first * k
        if let scale {
            run.kernels.gemm.scalePacked(run.scratch, weights, run.read(scale), columns.count, k, lastPanel)
            weights = Input(run.scratch)
        }
        run.kernels.gemm.multiply(
            GemmCall(
                output: output + rows.lowerBound * outputStride, outputStride: outputStride,
                input: run.read(input) + rows.lowerBound * k, inputStride: k, packed: weights, lastPanel: lastPanel,
                m: rows.count, n: columns.count, k: k,
                epilogue: epilogue.at(column: first, place: rows.lowerBound * n + first, run), residualStride: n,
                following: UnsafeBufferPointer(
                    start: run.weights(following.lowerBound) + share.lowerBound, count: share.count)))
    }
}
