// SPDX-License-Identifier: MIT

import Kernels

/// A convolution of any shape. Windows are read where they stand: in the input itself if they never reach beyond its
/// borders, else in a copy of some rows with the borders around them.
struct ConvolutionStep: PixelStep {
    let output: Slot
    let input: Slot
    /// Where the groups' packed matrices stand in the prepared weights, one after the other.
    let weight: Int
    let epilogue: StepEpilogue
    let geometry: WindowGeometry
    let groups: Int
    let outChannels: Int
    /// Floats of one group's packed matrix.
    let packedCount: Int
    /// Whether lanes lie along the depth, and the weights are packed for that.
    let usesDots: Bool

    private var groupInputs: Int { geometry.channels / groups }
    private var groupOutputs: Int { outChannels / groups }
    private var readsInPlace: Bool { geometry.isUnpadded }

    /// Floats of one row of the copy.
    private var rowFloats: Int { geometry.spannedColumns * groupInputs }

    /// Lines done at a time: as many as keep the copy in L2. Large weights leave it, so that they are read again for each
    /// strip: then strips are longer, or the whole image if its copy takes no more than twice of it. With groups, the output stays
    /// in L2 too, of which each group writes a part.
    private var stripLines: Int {
        let isLarge = packedCount > CacheSizes.l2Floats / 2
        if isLarge && groups == 1 && geometry.inputHeight * rowFloats <= 2 * CacheSizes.l2Floats {
            return geometry.outputHeight
        }
        let lines = geometry.stripLines(rowFloats: rowFloats, room: CacheSizes.l2Floats / (isLarge ? 2 : 16))
        return groups == 1 ? lines : min(lines, max(1, CacheSizes.l2Floats / 4 / (geometry.outputWidth * outChannels)))
    }

    var scratchByteCount: Int {
        readsInPlace ? 0 : min(geometry.spannedRows(lines: stripLines), geometry.inputHeight) * rowFloats * 4
    }

    func run(_ run: StepRun) {
        // Columns must be shared out where there are too few lines for all workers.
        let panel = run.kernels.panelWidth
        let splitsColumns = run.parts > 1 && geometry.outputHeight < 4 * run.parts && groupOutputs >= panel * run.parts
        let lines = splitsColumns ? 0..<geometry.outputHeight : run.share(of: geometry.outputHeight)
        let columns = splitsColumns ? run.share(of: groupOutputs, granule: panel) : 0..<groupOutputs
        convolve(run, lines: lines, columns: columns, output: run.write(output))
    }

    func run(_ run: StepRun, pixels: Range<Int>, output: Output) {
        let lines = pixels.lowerBound / geometry.outputWidth..<pixels.upperBound / geometry.outputWidth
        convolve(run, lines: lines, columns: 0..<groupOutputs, output: output)
    }

    private func convolve(_ run: StepRun, lines: Range<Int>, columns: Range<Int>, output: Output) {
        guard !columns.isEmpty else { return }
        let stripLines = stripLines
        for first in stride(from: lines.lowerBound, to: lines.upperBound, by: stripLines) {
            let strip = first..<min(first + stripLines, lines.upperBound)
            if readsInPlace {
                convolveStrip(run, lines: strip, columns: columns, output: output)
            } else {
                convolveCopiedStrip(run, lines: strip, columns: columns, output: output)
            }
        }
    }

    /// Windows are read in the input.
    private func convolveStrip(_ run: StepRun, lines: Range<Int>, columns: Range<Int>, output: Output) {
        let rowStride = geometry.inputWidth * geometry.channels
        let source = run.read(input) + lines.lowerBound * geometry.strideHeight * rowStride
        let shape = shape(of: lines, columns: columns, rowStride: rowStride, pixelStride: geometry.channels)
        for group in 0..<groups {
            convolve(run, shape, group, lines, columns, source + group * groupInputs, output)
        }
    }

    /// Windows are read in a copy of a group's channels: of rows that the image has, with columns around them.
    private func convolveCopiedStrip(_ run: StepRun, lines: Range<Int>, columns: Range<Int>, output: Output) {
        let top = lines.lowerBound * geometry.strideHeight - geometry.padTop
        let first = min(geometry.inputHeight, max(0, top))
        let end = max(first, min(geometry.inputHeight, top + geometry.spannedRows(lines: lines.count)))
        let shape = shape(of: lines, columns: columns, rowStride: rowFloats, pixelStride: groupInputs)
        for group in 0..<groups {
            run.kernels.move.copyPadded(
                run.scratch, run.read(input), geometry, group * groupInputs..<(group + 1) * groupInputs, first..<end,
                -geometry.padLeft..<geometry.spannedColumns - geometry.padLeft)
            // Where the row `top` would stand.
            let source = Input(run.scratch) - (first - top) * rowFloats
            convolve(run, shape, group, lines, columns, source, output)
        }
    }

    private func shape(
        of lines: Range<Int>, columns: Range<Int>, rowStride: Int, pixelStride: Int
    ) -> ConvolutionLines {
        let runs = geometry.windowRuns(groups: groups)
        // Windows of one pixel go on from line to line.
        let isOneLine = geometry.isPointwise
        return ConvolutionLines(
            lineCount: isOneLine ? 1 : lines.count,
            linePixels: isOneLine ? lines.count * geometry.outputWidth : geometry.outputWidth,
            outChannels: columns.count, outputStride: outChannels, outputLineStride: geometry.outputWidth * outChannels,
            inputStride: geometry.strideWidth * pixelStride, inputLineStride: geometry.strideHeight * rowStride,
            windowRows: geometry.kernelHeight, windowRowStride: geometry.dilationHeight * rowStride,
            windowTaps: runs.count, windowTapStride: geometry.dilationWidth * pixelStride, tapLength: runs.length,
            rows: geometry.rowsOfLines(from: lines.lowerBound))
    }

    private func convolve(
        _ run: StepRun, _ shape: ConvolutionLines, _ group: Int, _ lines: Range<Int>, _ columns: Range<Int>,
        _ source: Input, _ output: Output
    ) {
        let first = group * groupOutputs + columns.lowerBound
        let place = lines.lowerBound * geometry.outputWidth * outChannels + first
        let skipped =
            usesDots
            ? run.kernels.windows.dotsPackedCount(
                columns.lowerBound, shape.windowRows * shape.windowTaps, shape.tapLength)
            : columns.lowerBound * shape.depth
        let weights = run.weights(weight) + group * packedCount + skipped
        let convolve = usesDots ? run.kernels.windows.convolveDots : run.kernels.windows.convolve
        convolve(
            WindowsCall(
                output: output + place, input: source, packed: weights,
                epilogue: epilogue.at(column: first, place: place, run), lines: shape))
    }
}
