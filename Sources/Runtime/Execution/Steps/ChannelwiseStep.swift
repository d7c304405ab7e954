// SPDX-License-Identifier: MIT

import Kernels

/// A convolution whose output channels read few channels each, with lanes along the channels: depthwise with any window, and
/// small groups.
struct ChannelwiseStep: PixelStep {
    let output: Slot
    let input: Slot
    /// Where the packed matrix [outputs of `fold` pixels, taps * inputs] stands in the prepared weights.
    let weight: Int
    /// It has a bias for each of the matrix's outputs.
    let epilogue: StepEpilogue
    let geometry: WindowGeometry
    let groups: Int
    let outChannels: Int
    /// Pixels that are taken for one of so many times the channels, to fill vectors. More than 1 only if windows slide by one
    /// pixel and each channel reads one.
    let fold: Int

    private var groupInputs: Int { geometry.channels / groups }
    private var readsInPlace: Bool { geometry.isUnpadded }

    /// Floats of a row of the copy.
    private var rowFloats: Int { geometry.spannedColumns * geometry.channels }

    /// Lines done at a time: as many as keep the copy in L1, or in L2 where windows reach far.
    private var stripLines: Int { geometry.stripLines(rowFloats: rowFloats, room: 8192) }

    var scratchByteCount: Int { readsInPlace ? 0 : geometry.spannedRows(lines: stripLines) * rowFloats * 4 }

    func run(_ run: StepRun) {
        convolve(run, lines: run.share(of: geometry.outputHeight), output: run.write(output))
    }

    func run(_ run: StepRun, pixels: Range<Int>, output: Output) {
        convolve(
            run, lines: pixels.lowerBound / geometry.outputWidth..<pixels.upperBound / geometry.outputWidth,
            output: output)
    }

    private func convolve(_ run: StepRun, lines: Range<Int>, output: Output) {
        for first in stride(from: lines.lowerBound, to: lines.upperBound, by: stripLines) {
            let strip = first..<min(first + stripLines, lines.upperBound)
            let firstRow = first * geometry.strideHeight - geometry.padTop
            guard !readsInPlace else {
                let rowStride = geometry.inputWidth * geometry.channels
                convolve(
                    run, lines: strip, source: run.read(input) + firstRow * rowStride, rowStride: rowStride,
                    output: output)
                continue
            }
            let (rows, columns) = (geometry.spannedRows(lines: strip.count), geometry.spannedColumns)
            run.kernels.move.copyPadded(
                run.scratch, run.read(input), geometry, 0..<geometry.channels, firstRow..<firstRow + rows,
                -geometry.padLeft..<columns - geometry.padLeft)
            convolve(run, lines: strip, source: Input(run.scratch), rowStride: rowFloats, output: output)
        }
    }

    private func convolve(_ run: StepRun, lines: Range<Int>, source: Input, rowStride: Int, output: Output) {
        let width = geometry.outputWidth
        let rest = width % fold
        var shape = ConvolutionLines(
            lineCount: lines.count, linePixels: width / fold, outChannels: outChannels * fold,
            outputStride: outChannels * fold, outputLineStride: width * outChannels,
            inputStride: geometry.strideWidth * geometry.channels * fold,
            inputLineStride: geometry.strideHeight * rowStride,
            windowRows: geometry.kernelHeight, windowRowStride: geometry.dilationHeight * rowStride,
            windowTaps: geometry.kernelWidth, windowTapStride: geometry.dilationWidth * geometry.channels,
            tapLength: groupInputs, rows: geometry.rowsOfLines(from: lines.lowerBound))
        convolve(run, shape, source, output, place: lines.lowerBound * shape.outputLineStride)
        if rest > 0 {
            let first = width - rest
            shape.linePixels = 1
            shape.outChannels = outChannels * rest
            convolve(
                run, shape, source + first * geometry.channels, output,
                place: lines.lowerBound * shape.outputLineStride + first * outChannels)
        }
    }

    private func convolve(_ run: StepRun, _ lines: ConvolutionLines, _ source: Input, _ output: Output, place: Int) {
        let isDepthwise = outChannels == groups && groupInputs == 1
        let convolve = isDepthwise ? run.kernels.windows.convolveChannels : run.kernels.windows.convolveGroups
        convolve(
            WindowsCall(
                output: output + place, input: source, packed: run.weights(weight),
                epilogue: epilogue.at(column: 0, place: place, run), lines: lines, groups: groups))
    }
}
