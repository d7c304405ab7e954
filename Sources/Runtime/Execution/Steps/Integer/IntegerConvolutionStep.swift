// SPDX-License-Identifier: MIT

import Kernels

/// A convolution of bytes: the windows of a block of pixels are written as words, then multiplied with one matrix for each group. What
/// lies beyond the image is zero points.
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
    /// Words of a run of values in a window: of one row of it, or of one tap.
    let runWords: Int
    /// Words of one group's packed matrix, and its columns in whole panels.
    let packedWords: Int
    let paddedColumns: Int

    private var groupInputs: Int { geometry.channels / groups }
    private var groupOutputs: Int { outChannels / groups }
    private var runs: (count: Int, length: Int) { geometry.integerRuns(groups: groups) }
    private var wordCount: Int { geometry.kernelHeight * runs.count * runWords }
    private var pixels: Int { geometry.outputHeight * geometry.outputWidth }

    /// Pixels that are done at a time: their words stay in L2 while the matrix goes by, which is read as seldom as can be.
    private var blockPixels: Int {
        let most = max(24, 65536 / max(1, wordCount))
        let blocks = (pixels + most - 1) / most
        return max(6, ((pixels + blocks - 1) / max(1, blocks) + 5) / 6 * 6)
    }

    private var wordBytes: Int { (blockPixels * wordCount * 4).roundedUpToCacheLine }

    var scratchByteCount: Int { wordBytes + 2 * runs.length }

    func run(_ run: StepRun) {
        let splitsColumns = run.splitsColumns(rows: pixels, columns: groupOutputs)
        let rows = splitsColumns ? 0..<pixels : run.share(of: pixels, granule: run.kernels.int8.tileRows)
        let columns =
            splitsColumns ? run.share(of: groupOutputs, granule: run.kernels.int8.panelWidth) : 0..<groupOutputs
        guard !columns.isEmpty else { return }
        let memory = UnsafeMutableRawPointer(run.scratch)
        let window = Window(
            words: memory.assumingMemoryBound(to: Int32.self),
            run: (memory + wordBytes).assumingMemoryBound(to: UInt8.self), wordCount: wordCount)
        window.run.update(repeating: zero, count: 2 * runs.length)
        for group in 0..<groups {
            for first in stride(from: rows.lowerBound, to: rows.upperBound, by: blockPixels) {
                let block = first..<min(first + blockPixels, rows.upperBound)
                let words = windows(run, window, block, group)
                let (column, channel) = (group * paddedColumns + columns.lowerBound, group * groupOutputs)
                let place = first * outChannels + channel + columns.lowerBound
                run.kernels.int8.multiply(
                    Int8GemmCall(
                        output: epilogue.target(place, run), outputStride: outChannels, words: words,
                        wordCount: wordCount,
                        packed: run.words(weight) + group * packedWords + columns.lowerBound * wordCount,
                        m: block.count,
                        n: columns.count,
                        requantization: epilogue.at(column: column, place: place, stride: outChannels, run)))
            }
        }
    }

    /// Memory for the windows of a block.
    private struct Window {
        let words: UnsafeMutablePointer<Int32>
        /// A run of values, and behind it a run of zero points.
        let run: UnsafeMutablePointer<UInt8>
        let wordCount: Int
    }

    /// The windows of some pixels: as they stand in the input where its bytes are the kernels' words, or gathered.
    private func windows(_ run: StepRun, _ window: Window, _ block: Range<Int>, _ group: Int) -> UnsafePointer<Int32> {
        if geometry.isPointwise && groups == 1,
            let words = run.kernels.int8.words(at: run.readBytes(input) + block.lowerBound * groupInputs, groupInputs)
        {
            return words
        }
        gather(run, window, block, group)
        return UnsafePointer(window.words)
    }

    /// Writes the windows of some pixels, counted along the output's lines.
    private func gather(_ run: StepRun, _ window: Window, _ block: Range<Int>, _ group: Int) {
        let source = run.readBytes(input) + group * groupInputs
        if geometry.isPointwise {
            return run.kernels.int8.expand(
                window.words, wordCount, source + block.lowerBound * geometry.channels, geometry.channels, block.count,
                groupInputs)
        }
        var pixel = block.lowerBound
        while pixel < block.upperBound {
            let (line, first) = pixel.quotientAndRemainder(dividingBy: geometry.outputWidth)
            let columns = first..<min(geometry.outputWidth, first + block.upperBound - pixel)
            let words = window.words + (pixel - block.lowerBound) * wordCount
            for tapRow in 0..<geometry.kernelHeight {
                let row = line * geometry.strideHeight - geometry.padTop + tapRow * geometry.dilationHeight
                let target = words + tapRow * runs.count * runWords
                if row < 0 || row >= geometry.inputHeight {
                    for index in 0..<runs.count { expandZeros(run, window, target + index * runWords, columns.count) }
                } else if runs.count == 1 {
                    gatherRows(run, window, target, source + row * geometry.inputWidth * geometry.channels, columns)
                } else {
                    gatherTaps(run, window, target, source + row * geometry.inputWidth * geometry.channels, columns)
                }
            }
            pixel += columns.count
        }
    }

    private func expandZeros(_ run: StepRun, _ window: Window, _ target: UnsafeMutablePointer<Int32>, _ count: Int) {
        run.kernels.int8.expand(target, wordCount, window.run + runs.length, 0, count, runs.length)
    }

    /// Rows of windows, each one run of values; those that reach beyond the image are put together first.
    private func gatherRows(
        _ run: StepRun, _ window: Window, _ target: UnsafeMutablePointer<Int32>, _ row: Bytes, _ columns: Range<Int>
    ) {
        let (channels, width) = (geometry.channels, geometry.inputWidth)
        let inside = geometry.columnsInside(reach: geometry.kernelWidth, from: -geometry.padLeft).clamped(to: columns)
        if !inside.isEmpty {
            let start = inside.lowerBound * geometry.strideWidth - geometry.padLeft
            run.kernels.int8.expand(
                target + (inside.lowerBound - columns.lowerBound) * wordCount, wordCount, row + start * channels,
                geometry.strideWidth * channels, inside.count, runs.length)
        }
        for column in columns where !inside.contains(column) {
            let start = column * geometry.strideWidth - geometry.padLeft
            let taps = max(0, -start)..<max(max(0, -start), min(geometry.kernelWidth, width - start))
            window.run.update(repeating: zero, count: runs.length)
            (window.run + taps.lowerBound * channels).update(
                from: row + (start + taps.lowerBound) * channels, count: taps.count * channels)
            run.kernels.int8.expand(
                target + (column - columns.lowerBound) * wordCount, wordCount, window.run, 0, 1, runs.length)
        }
    }

    /// Rows of windows, tap by tap.
    private func gatherTaps(
        _ run: StepRun, _ window: Window, _ target: UnsafeMutablePointer<Int32>, _ row: Bytes, _ columns: Range<Int>
    ) {
        for tap in 0..<runs.count {
            let offset = tap * geometry.dilationWidth - geometry.padLeft
            let inside = geometry.columnsInside(reach: 1, from: offset).clamped(to: columns)
            let words = target + tap * runWords
            if inside.count < columns.count { expandZeros(run, window, words, columns.count) }
            guard !inside.isEmpty else { continue }
            run.kernels.int8.expand(
                words + (inside.lowerBound - columns.lowerBound) * wordCount, wordCount,
                row + (inside.lowerBound * geometry.strideWidth + offset) * geometry.channels,
                geometry.strideWidth * geometry.channels, inside.count, runs.length)
        }
    }
}

extension WindowGeometry {
    /// How the values of a group stand in one row of a window: taps that lie side by side are one run.
    func integerRuns(groups: Int) -> (count: Int, length: Int) {
        dilationWidth == 1 && groups == 1 ? (1, kernelWidth * channels) : (kernelWidth, channels / groups)
    }

    /// The output's columns for which `reach` columns of the input, from `offset` on where the output's first one stands, lie in the
    /// image.
    func columnsInside(reach: Int, from offset: Int) -> Range<Int> {
        let first = offset < 0 ? (strideWidth - 1 - offset) / strideWidth : 0
        let room = inputWidth - reach - offset
        let end = room < 0 ? 0 : min(outputWidth, room / strideWidth + 1)
        return first < end ? first..<end : 0..<0
    }
}
