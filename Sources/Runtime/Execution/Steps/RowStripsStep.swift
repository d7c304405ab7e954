// SPDX-License-Identifier: MIT

import Kernels

/// A convolution and the depthwise one that is its only reader, a strip of rows at a time: the image between them, the largest of
/// its block, never leaves L2.
struct RowStripsStep: Step {
    let producer: any PixelStep
    let consumer: DepthwiseStep

    private var geometry: WindowGeometry { consumer.geometry }
    private var lineFloats: Int { geometry.inputWidth * geometry.channels }

    /// Output rows of a strip: as many as keep the rows between in half of L2.
    private var stripRows: Int {
        let lines = CacheSizes.l2Floats / 2 / lineFloats - (geometry.kernelHeight - 1) * geometry.dilationHeight - 1
        return min(geometry.outputHeight, max(1, lines / geometry.strideHeight + 1))
    }

    var scratchByteCount: Int {
        producer.scratchEnd + needed(for: 0..<stripRows, clipped: false).count * lineFloats * 4
    }

    /// Rows of the image between that some output rows read.
    private func needed(for rows: Range<Int>, clipped: Bool = true) -> Range<Int> {
        let first = rows.lowerBound * geometry.strideHeight - geometry.padTop
        let extent =
            (rows.count - 1) * geometry.strideHeight + (geometry.kernelHeight - 1) * geometry.dilationHeight + 1
        return clipped
            ? min(geometry.inputHeight, max(0, first))..<min(geometry.inputHeight, max(0, first + extent))
            : first..<first + extent
    }

    func run(_ run: StepRun) {
        let buffer = run.scratch + producer.scratchEnd / 4
        let rows = run.share(of: geometry.outputHeight)
        var held = 0..<0
        for first in stride(from: rows.lowerBound, to: rows.upperBound, by: stripRows) {
            let strip = first..<min(first + stripRows, rows.upperBound)
            let needed = needed(for: strip)
            // Windows overlap: the last rows of one strip are the first of the next.
            let kept = max(held.lowerBound, needed.lowerBound)..<max(held.upperBound, needed.lowerBound)
            if !kept.isEmpty && kept.lowerBound != held.lowerBound {
                buffer.update(
                    from: buffer + (kept.lowerBound - held.lowerBound) * lineFloats, count: kept.count * lineFloats)
            }
            // Where row 0 would stand.
            let image = buffer - needed.lowerBound * lineFloats
            let missing = kept.upperBound..<max(needed.upperBound, kept.upperBound)
            producer.run(
                run, pixels: missing.lowerBound * geometry.inputWidth..<missing.upperBound * geometry.inputWidth,
                output: image)
            consumer.run(
                run, rows: strip, channels: 0..<geometry.channels, input: Input(image), inputStride: geometry.channels)
            held = needed
        }
    }
}
