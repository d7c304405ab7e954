// SPDX-License-Identifier: MIT

import Kernels

/// A convolution of bytes: for each group, a product of the windows, where they stand in the image, with one matrix. The image is written
/// anew with zero points around it, some lines at a time, unless it can be read as it is.
struct IntegerConvolutionStep: Step {
    let input: Slot
    /// What stands for zero in the input.
    let zero: UInt8
    /// Where the groups' packed matrices stand in the prepared weights, one after the other.
    let weight: Int
    let epilogue: IntegerEpilogue
    let geometry: WindowGeometry
    let groups: Int
    let outChannels: Int
    /// Words of a run of values in a window, and bytes that each takes in them.
    let runWords: Int
    let valueBytes: Int
    /// Whether the input can be read as it is: nothing lies beyond it, and runs are whole words.
    let standsAsWords: Bool
    /// Words of one group's packed matrix, and its columns in whole panels.
    let packedWords: Int
    let paddedColumns: Int

    init(
        input: Slot, zero: UInt8, weight: Int, epilogue: IntegerEpilogue, geometry: WindowGeometry, groups: Int,
        outChannels: Int, packedWords: Int, kernels: Int8Kernels
    ) {
        self.input = input
        self.zero = zero
        self.weight = weight
        self.epilogue = epilogue
        let length = geometry.integerRuns(groups: groups).length
        let isPadded = geometry.padTop + geometry.padLeft + geometry.padBottom + geometry.padRight > 0
        standsAsWords = !isPadded && kernels.areWords(length)
        self.geometry = standsAsWords && geometry.isPointwise ? geometry.asLine : geometry
        self.groups = groups
        self.outChannels = outChannels
        self.packedWords = packedWords
        runWords = kernels.words(length)
        valueBytes = kernels.valueBytes
        paddedColumns = kernels.padded(outChannels / groups)
    }

    private var groupInputs: Int { geometry.channels / groups }
    private var groupOutputs: Int { outChannels / groups }
    private var wordCount: Int { geometry.kernelHeight * geometry.integerRuns(groups: groups).count * runWords }
    /// Lines of the input that a line of windows spans.
    private var reach: Int { (geometry.kernelHeight - 1) * geometry.dilationHeight + 1 }

    /// Bytes of a line of the image, as it is read, with what is around it.
    private var lineBytes: Int {
        (geometry.inputWidth + geometry.padLeft + geometry.padRight) * geometry.channels * valueBytes
    }

    /// Lines of windows that are done at a time: what they read stays in L2 while the matrix goes by, which is read as seldom as can be.
    private var blockLines: Int {
        if standsAsWords { return geometry.outputHeight }
        let room = max(1, (CacheSizes.l2Bytes / 4 / max(1, lineBytes) - reach) / geometry.strideHeight + 1)
        let blocks = (geometry.outputHeight + room - 1) / room
        return (geometry.outputHeight + blocks - 1) / max(1, blocks)
    }

    /// Lines of the input that a number of lines of windows reads.
    private func linesRead(_ count: Int) -> Int { max(0, count - 1) * geometry.strideHeight + reach }

    var scratchByteCount: Int {
        // A word may reach behind the last value.
        standsAsWords ? 0 : linesRead(blockLines) * lineBytes + 4
    }

    func run(_ run: StepRun) {
        let granule = run.kernels.int8.columnGranule(of: groupOutputs)
        // A single line is shared out by its pixels.
        let isLine = geometry.outputHeight == 1
        let all = isLine ? geometry.outputWidth : geometry.outputHeight
        let tallest = isLine ? run.kernels.int8.tileRows : 1
        let splitsColumns = run.splitsColumns(rows: all, granule: tallest, columns: groupOutputs, granule)
        let columns = splitsColumns ? run.share(of: groupOutputs, granule: granule) : 0..<groupOutputs
        let share = splitsColumns ? 0..<all : run.share(of: all, granule: tallest)
        guard !columns.isEmpty, !share.isEmpty else { return }
        if isLine { return multiply(run, lines: 0..<1, pixels: share, columns) }
        for first in stride(from: share.lowerBound, to: share.upperBound, by: blockLines) {
            multiply(
                run, lines: first..<min(first + blockLines, share.upperBound), pixels: 0..<geometry.outputWidth, columns
            )
        }
    }

    /// Computes some columns of some lines' pixels.
    private func multiply(_ run: StepRun, lines: Range<Int>, pixels: Range<Int>, _ columns: Range<Int>) {
        var source = UnsafeRawPointer(run.readBytes(input)) + lines.lowerBound * geometry.strideHeight * lineBytes
        if !standsAsWords {
            writeLines(run, from: lines.lowerBound * geometry.strideHeight - geometry.padTop, linesRead(lines.count))
            source = UnsafeRawPointer(run.scratch)
        }
        let pixelBytes = geometry.channels * valueBytes
        let window = Int8Window(
            words: runWords, rows: geometry.kernelHeight, rowStride: geometry.dilationHeight * lineBytes,
            columns: geometry.integerRuns(groups: groups).count, columnStride: geometry.dilationWidth * pixelBytes)
        for group in 0..<groups {
            let channel = group * groupOutputs + columns.lowerBound
            let place = (lines.lowerBound * geometry.outputWidth + pixels.lowerBound) * outChannels + channel
            run.kernels.int8.multiply(
                Int8GemmCall(
                    output: epilogue.target(place, run), outputStride: outChannels,
                    input: source + pixels.lowerBound * geometry.strideWidth * pixelBytes
                        + group * groupInputs * valueBytes,
                    window: window, rowStride: geometry.strideWidth * pixelBytes, rows: pixels.count,
                    lineStride: geometry.strideHeight * lineBytes, lines: lines.count,
                    packed: run.words(weight) + group * packedWords + columns.lowerBound * wordCount,
                    n: columns.count,
                    requantization: epilogue.at(
                        column: group * paddedColumns + columns.lowerBound, place: place, stride: outChannels, run)))
        }
    }

    /// Writes lines of the image as the kernels' words, with zero points around them.
    ///
    /// - Parameter first: Counted in the image; may lie before it.
    private func writeLines(_ run: StepRun, from first: Int, _ count: Int) {
        let length = geometry.inputWidth * geometry.channels
        let (left, right) = (geometry.padLeft * geometry.channels, geometry.padRight * geometry.channels)
        let source = run.readBytes(input)
        for index in 0..<count {
            let line = UnsafeMutableRawPointer(run.scratch) + index * lineBytes
            if (0..<geometry.inputHeight).contains(first + index) {
                writeZeros(line, left)
                let values = line + left * valueBytes
                run.kernels.int8.expand(values, 0, source + (first + index) * length, 0, 1, length)
                // After the values, whose last word may reach beyond them.
                writeZeros(values + length * valueBytes, right)
            } else {
                writeZeros(line, left + length + right)
            }
        }
    }

    private func writeZeros(_ target: UnsafeMutableRawPointer, _ count: Int) {
        if valueBytes == 1 {
            target.initializeMemory(as: UInt8.self, repeating: zero, count: count)
        } else {
            target.initializeMemory(as: UInt16.self, repeating: UInt16(zero), count: count)
        }
    }
}

extension WindowGeometry {
    /// How the values of a group stand in one row of a window: taps that lie side by side are one run.
    func integerRuns(groups: Int) -> (count: Int, length: Int) {
        dilationWidth == 1 && groups == 1 ? (1, kernelWidth * channels) : (kernelWidth, channels / groups)
    }

    /// All pixels as one line: where each is a window by itself.
    fileprivate var asLine: WindowGeometry {
        var line = self
        line.inputWidth *= inputHeight
        line.outputWidth *= outputHeight
        line.inputHeight = 1
        line.outputHeight = 1
        return line
    }
}
