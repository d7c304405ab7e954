// SPDX-License-Identifier: MIT

import Kernels

/// A convolution of bytes with one filter per channel.
struct IntegerDepthwiseStep: Step {
    let input: Slot
    /// What stands for zero in the input.
    let zero: UInt8
    let weight: Int
    let epilogue: IntegerEpilogue
    let geometry: WindowGeometry
    /// Pixels whose channels are one block of the kernels; the packed filters stand there for each.
    let together: Int

    private var taps: Int { geometry.kernelHeight * geometry.kernelWidth }
    private var addressBytes: Int { (taps * 8).roundedUpToCacheLine }
    /// Bytes from a pixel's window to the next one's.
    private var pixelStride: Int { geometry.strideWidth * geometry.channels }

    /// The pixels of a line whose windows lie between the image's sides.
    private var inner: Range<Int> {
        let first = (geometry.padLeft + geometry.strideWidth - 1) / geometry.strideWidth
        let room = geometry.inputWidth - 1 - (geometry.kernelWidth - 1) * geometry.dilationWidth + geometry.padLeft
        let end = room < 0 ? 0 : min(geometry.outputWidth, room / geometry.strideWidth + 1)
        return first < end ? first..<end : 0..<0
    }

    /// As many zero points as the windows of the inner pixels span, or one pixel's.
    private var zeroCount: Int { max(0, inner.count - 1) * pixelStride + geometry.channels }

    var scratchByteCount: Int { addressBytes + zeroCount }

    func run(_ run: StepRun) {
        let lines = run.share(of: geometry.outputHeight)
        guard !lines.isEmpty else { return }
        let memory = UnsafeMutableRawPointer(run.scratch)
        let addresses = memory.assumingMemoryBound(to: Bytes.self)
        let zeros = (memory + addressBytes).assumingMemoryBound(to: UInt8.self)
        zeros.update(repeating: zero, count: zeroCount)
        let first = inner.lowerBound
        let inner = first..<first + inner.count / together * together
        for line in lines {
            for pixel in 0..<first { convolve(pixel..<pixel + 1, line, addresses, Bytes(zeros), run) }
            if !inner.isEmpty { convolve(inner, together: together, line, addresses, Bytes(zeros), run) }
            for pixel in inner.upperBound..<geometry.outputWidth {
                convolve(pixel..<pixel + 1, line, addresses, Bytes(zeros), run)
            }
        }
    }

    /// Pixels of a line: one, or inner ones.
    private func convolve(
        _ pixels: Range<Int>, together: Int = 1, _ line: Int, _ addresses: UnsafeMutablePointer<Bytes>, _ zeros: Bytes,
        _ run: StepRun
    ) {
        let source = run.readBytes(input)
        let channels = geometry.channels
        var place = 0
        for tapRow in 0..<geometry.kernelHeight {
            let row = line * geometry.strideHeight - geometry.padTop + tapRow * geometry.dilationHeight
            for tapColumn in 0..<geometry.kernelWidth {
                let column =
                    pixels.lowerBound * geometry.strideWidth - geometry.padLeft + tapColumn * geometry.dilationWidth
                let isInside = row >= 0 && row < geometry.inputHeight && column >= 0 && column < geometry.inputWidth
                addresses[place] = isInside ? source + (row * geometry.inputWidth + column) * channels : zeros
                place += 1
            }
        }
        let first = (line * geometry.outputWidth + pixels.lowerBound) * channels
        run.kernels.int8.depthwise(
            Int8DepthwiseCall(
                output: epilogue.target(first, run), taps: addresses, tapCount: taps, pixels: pixels.count / together,
                pixelStride: together * pixelStride, channels: together * channels, packed: run.words(weight),
                requantization: epilogue.at(column: 0, place: first, stride: together * channels, run)))
    }
}
