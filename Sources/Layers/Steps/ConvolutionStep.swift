// SPDX-License-Identifier: MIT

import Kernels

/// A convolution of any shape. Windows are read where they stand: in the input itself if they never reach beyond its
/// borders, else in a copy of some rows with the borders around them.
struct ConvolutionStep: PixelStep {
    let output: Slot
    let input: Slot
    let residual: Slot?
    /// Offsets in the prepared weights: of the groups' packed matrices one after the other, and of the biases.
    let weight: Int
    let bias: Int?
    let activation: Activation
    let geometry: WindowGeometry
    let groups: Int
    let outChannels: Int
    /// Floats of one group's packed matrix.
    let packedCount: Int

    private var groupInputs: Int { geometry.channels / groups }
    private var groupOutputs: Int { outChannels / groups }
    private var readsInPlace: Bool { geometry.isUnpadded }

    /// Columns of the input that the windows of one line span, and Floats of one row of the copy.
    private var width: Int {
        (geometry.outputWidth - 1) * geometry.strideWidth + (geometry.kernelWidth - 1) * geometry.dilationWidth + 1
    }
    private var rowFloats: Int { width * groupInputs }
    private func rows(forLines lines: Int) -> Int {
        (lines - 1) * geometry.strideHeight + (geometry.kernelHeight - 1) * geometry.dilationHeight + 1
    }

    /// Lines done at a time: as many as keep the copy in L2. Large weights leave it, so that they are read again for each
    /// strip: then strips are longer.
    private var stripLines: Int {
        let room = packedCount > 131072 ? 131072 : 16384
        let fixed = rows(forLines: 1) - geometry.strideHeight
        return min(geometry.outputHeight, max(1, (room / max(rowFloats, 1) - fixed) / geometry.strideHeight))
    }

    var scratchCount: Int { readsInPlace ? 0 : rows(forLines: stripLines) * rowFloats }

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
        for group in 0..<groups {
            for first in stride(from: lines.lowerBound, to: lines.upperBound, by: stripLines) {
                let strip = first..<min(first + stripLines, lines.upperBound)
                convolveStrip(run, group: group, lines: strip, columns: columns, output: output)
            }
        }
    }

    private func convolveStrip(
        _ run: StepRun, group: Int, lines: Range<Int>, columns: Range<Int>, output: Output
    ) {
        let firstRow = lines.lowerBound * geometry.strideHeight - geometry.padTop
        let firstChannel = group * groupInputs
        let source: Input
        let rowStride: Int
        let pixelStride: Int
        if readsInPlace {
            (rowStride, pixelStride) = (geometry.inputWidth * geometry.channels, geometry.channels)
            source = run.read(input) + firstRow * rowStride + firstChannel
        } else {
            (rowStride, pixelStride) = (rowFloats, groupInputs)
            run.kernels.copyPadded(
                run.scratch, run.read(input), geometry, firstChannel, groupInputs, firstRow,
                rows(forLines: lines.count),
                -geometry.padLeft, width)
            source = Input(run.scratch)
        }
        // Taps that lie side by side are one run of values.
        let isDense = geometry.dilationWidth == 1 && pixelStride == groupInputs
        let first = group * groupOutputs + columns.lowerBound
        let place = lines.lowerBound * geometry.outputWidth * outChannels + first
        let depth = geometry.kernelHeight * geometry.kernelWidth * groupInputs
        run.kernels.convolveLines(
            output + place, source,
            run.weights + weight + group * packedCount + columns.lowerBound * depth,
            bias.map { run.weights + $0 + first }, residual.map { run.read($0) + place }, activation,
            ConvolutionLines(
                lineCount: lines.count, linePixels: geometry.outputWidth, outChannels: columns.count,
                outputStride: outChannels, outputLineStride: geometry.outputWidth * outChannels,
                inputStride: geometry.strideWidth * pixelStride,
                inputLineStride: geometry.strideHeight * rowStride,
                windowRows: geometry.kernelHeight, windowRowStride: geometry.dilationHeight * rowStride,
                windowTaps: isDense ? 1 : geometry.kernelWidth,
                windowTapStride: geometry.dilationWidth * pixelStride,
                tapLength: isDense ? geometry.kernelWidth * groupInputs : groupInputs))
    }
}

extension WindowGeometry {
    /// Whether no window reaches beyond the image.
    fileprivate var isUnpadded: Bool {
        padTop == 0 && padLeft == 0
            && (outputHeight - 1) * strideHeight + (kernelHeight - 1) * dilationHeight < inputHeight
            && (outputWidth - 1) * strideWidth + (kernelWidth - 1) * dilationWidth < inputWidth
    }
}
