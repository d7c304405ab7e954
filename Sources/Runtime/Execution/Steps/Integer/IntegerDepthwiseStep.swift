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

    private var taps: Int { geometry.kernelHeight * geometry.kernelWidth }
    private var addressBytes: Int { (geometry.outputWidth * taps * 8).roundedUpToCacheLine }

    var scratchByteCount: Int { addressBytes + geometry.channels }

    func run(_ run: StepRun) {
        let lines = run.share(of: geometry.outputHeight)
        guard !lines.isEmpty else { return }
        let memory = UnsafeMutableRawPointer(run.scratch)
        let addresses = memory.assumingMemoryBound(to: Bytes.self)
        let zeros = (memory + addressBytes).assumingMemoryBound(to: UInt8.self)
        zeros.update(repeating: zero, count: geometry.channels)
        let source = run.readBytes(input)
        let channels = geometry.channels
        for line in lines {
            var place = 0
            for pixel in 0..<geometry.outputWidth {
                for tapRow in 0..<geometry.kernelHeight {
                    let row = line * geometry.strideHeight - geometry.padTop + tapRow * geometry.dilationHeight
                    for tapColumn in 0..<geometry.kernelWidth {
                        let column =
                            pixel * geometry.strideWidth - geometry.padLeft + tapColumn * geometry.dilationWidth
                        let isInside =
                            row >= 0 && row < geometry.inputHeight && column >= 0 && column < geometry.inputWidth
                        addresses[place] =
                            isInside ? source + (row * geometry.inputWidth + column) * channels : Bytes(zeros)
                        place += 1
                    }
                }
            }
            let first = line * geometry.outputWidth * channels
            run.kernels.int8.depthwise(
                Int8DepthwiseCall(
                    output: epilogue.target(first, run), taps: addresses, tapCount: taps, pixels: geometry.outputWidth,
                    channels: channels, packed: run.words(weight),
                    requantization: epilogue.at(column: 0, place: first, stride: channels, run)))
        }
    }
}
