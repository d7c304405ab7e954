// SPDX-License-Identifier: MIT

import Kernels

/// A convolution with one filter per channel.
struct DepthwiseStep: PixelStep {
    let output: Slot
    /// Where the sums of each row go, if a mean of the output is wanted: [outputHeight, channels].
    let rowSums: Slot?
    let input: Slot
    let weight: Int
    /// There is no residual.
    let epilogue: StepEpilogue
    let geometry: WindowGeometry

    func run(_ run: StepRun) {
        self.run(
            run, rows: run.share(of: geometry.outputHeight), channels: 0..<geometry.channels, input: run.read(input),
            inputStride: geometry.channels)
    }

    func run(_ run: StepRun, pixels: Range<Int>, output: Output) {
        let rows = pixels.lowerBound / geometry.outputWidth..<pixels.upperBound / geometry.outputWidth
        convolve(
            run, rows: rows, channels: 0..<geometry.channels, input: run.read(input), inputStride: geometry.channels,
            output: output)
    }

    /// Writes some rows of some channels.
    ///
    /// - Parameters:
    ///   - channels: Begin at a panel's border.
    ///   - input: Where the first of the channels stands in the first row, or would stand: rows that no window meets are
    ///     not read.
    ///   - inputStride: The distance of its pixels.
    func run(_ run: StepRun, rows: Range<Int>, channels: Range<Int>, input: Input, inputStride: Int) {
        convolve(
            run, rows: rows, channels: channels, input: input, inputStride: inputStride, output: run.write(output))
    }

    private func convolve(
        _ run: StepRun, rows: Range<Int>, channels: Range<Int>, input: Input, inputStride: Int, output: Output
    ) {
        guard !rows.isEmpty, !channels.isEmpty else { return }
        let first = channels.lowerBound
        var part = geometry
        part.channels = channels.count
        run.kernels.depthwise.convolve(
            DepthwiseCall(
                output: output + first, outputStride: geometry.channels,
                rowSums: rowSums.map { run.write($0) + first }, input: input, inputStride: inputStride,
                packed: run.weights(weight) + first * geometry.kernelHeight * geometry.kernelWidth,
                epilogue: epilogue.at(column: first, place: 0, run), geometry: part, rows: rows))
    }
}
