// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

// output [channels, lines, pixels] = activation(filters · windows of the input planes + bias)
//
// Lanes along the pixels: nothing is turned, and few channels fill vectors as well as many. Loop order: a few vectors of
// pixels, which need not lie in one line; a few output channels, whose sums of those pixels stay in registers; the window.

#if KERNELS_AVX512
private let channelsAtOnce = 8
#else
private let channelsAtOnce = 4
#endif

/// Packs weight [n, depth] into blocks of 8, 4, 2 or 1 channels, [depth][channels] each.
func packPlanes(_ packed: Output, _ weight: Input, _ n: Int, _ depth: Int) {
    var channel = 0
    while channel < n {
        let count = blockChannels(left: n - channel)
        for value in 0..<depth {
            for index in 0..<count {
                packed[channel * depth + value * count + index] = weight[(channel + index) * depth + value]
            }
        }
        channel += count
    }
}

/// Channels of the next block.
@inline(__always)
private func blockChannels(left: Int) -> Int {
    if left >= channelsAtOnce { return channelsAtOnce }
    return left >= 4 ? 4 : left >= 2 ? 2 : 1
}

func convolvePlanes(
    _ output: Output, _ input: Input, _ packed: Input, _ bias: Input?, _ activation: Activation,
    _ planes: ConvolutionPlanes, _ places: UnsafePointer<Int>
) {
    let convolution = PlanarConvolution(
        output: output, input: input, packed: packed, bias: bias, activation: activation, planes: planes,
        places: places)
    let vectors = planes.lineCount * convolution.lineVectors
    var vector = 0
    while vector < vectors {
        switch vectors - vector {
        case 8... where planes.outChannels <= 2:
            // The sums of so few channels would wait for each other.
            let pixels = PixelBlock<8>(convolution, vector)
            convolution.convolveFew(pixels)
            vector += 8
        case 3...: vector += convolution.convolve(PixelBlock<3>(convolution, vector))
        case 2: vector += convolution.convolve(PixelBlock<2>(convolution, vector))
        default: vector += convolution.convolve(PixelBlock<1>(convolution, vector))
        }
    }
}

/// A few vectors of output pixels.
private struct PixelBlock<let vectors: Int> {
    /// Where their windows begin.
    var inputs = InlineArray<vectors, Int>(repeating: 0)
    /// Where they are written.
    var outputs = InlineArray<vectors, Int>(repeating: 0)
    /// Pixels in each.
    var counts = InlineArray<vectors, Int>(repeating: laneCount)
    /// Whether all are full.
    var isWhole = true

    @inline(__always)
    init(_ convolution: PlanarConvolution, _ first: Int) {
        var (line, vector) = first.quotientAndRemainder(dividingBy: convolution.lineVectors)
        for index in 0..<vectors {
            let pixel = vector * laneCount
            inputs[index] = line * convolution.planes.inputLineStride + pixel
            outputs[index] = line * convolution.planes.outputLineStride + pixel
            counts[index] = min(laneCount, convolution.planes.linePixels - pixel)
            isWhole = isWhole && counts[index] == laneCount
            vector += 1
            if vector == convolution.lineVectors { (line, vector) = (line + 1, 0) }
        }
    }
}

private struct PlanarConvolution {
    let output: Output
    let input: Input
    let packed: Input
    let bias: Input?
    let activation: Activation
    let planes: ConvolutionPlanes
    let places: UnsafePointer<Int>

    /// Vectors that a line's pixels take.
    var lineVectors: Int { (planes.linePixels + laneCount - 1) / laneCount }

    /// All channels of a few vectors of pixels.
    @inline(__always)
    func convolve<let vectors: Int>(_ pixels: PixelBlock<vectors>) -> Int {
        if pixels.isWhole { convolve(pixels, isWhole: true) } else { convolve(pixels, isWhole: false) }
        return vectors
    }

    /// One or two channels.
    @inline(__always)
    func convolveFew<let vectors: Int>(_ pixels: PixelBlock<vectors>) {
        if planes.outChannels == 2 {
            ChannelBlock<2, vectors>.convolve(self, pixels, 0, pixels.isWhole)
        } else {
            ChannelBlock<1, vectors>.convolve(self, pixels, 0, pixels.isWhole)
        }
    }

    @inline(__always)
    private func convolve<let vectors: Int>(_ pixels: PixelBlock<vectors>, isWhole: Bool) {
        var channel = 0
        while channel < planes.outChannels {
            let count = blockChannels(left: planes.outChannels - channel)
            switch count {
            #if KERNELS_AVX512
            case 8: ChannelBlock<8, vectors>.convolve(self, pixels, channel, isWhole)
            #endif
            case 4: ChannelBlock<4, vectors>.convolve(self, pixels, channel, isWhole)
            case 2: ChannelBlock<2, vectors>.convolve(self, pixels, channel, isWhole)
            default: ChannelBlock<1, vectors>.convolve(self, pixels, channel, isWhole)
            }
            channel += count
        }
    }
}

/// A few channels of a few vectors of pixels, whose sums stay in registers.
private enum ChannelBlock<let channels: Int, let vectors: Int> {
    @inline(__always)
    static func convolve(
        _ convolution: PlanarConvolution, _ pixels: PixelBlock<vectors>, _ channel: Int, _ isWhole: Bool
    ) {
        let planes = convolution.planes
        var sums = InlineArray<channels, InlineArray<vectors, Lanes>>(repeating: .init(repeating: all(0)))
        if let bias = convolution.bias {
            for index in 0..<channels {
                for vector in 0..<vectors { sums[index][vector] = all(bias[channel + index]) }
            }
        }
        var factors = convolution.packed + channel * planes.depth
        for value in 0..<planes.depth {
            let source = convolution.input + convolution.places[value]
            var values = InlineArray<vectors, Lanes>(repeating: all(0))
            for vector in 0..<vectors {
                let start = source + pixels.inputs[vector]
                values[vector] = isWhole ? load(start) : load(start, count: pixels.counts[vector])
            }
            for index in 0..<channels {
                let factor = all(factors[index])
                for vector in 0..<vectors {
                    sums[index][vector] = multiplyAdd(sums[index][vector], values[vector], factor)
                }
            }
            factors += channels
        }
        let apply = convolution.activation == .relu ? Float(0) : -.infinity
        let target = convolution.output + channel * planes.outputPlaneStride
        for index in 0..<channels {
            let plane = target + index * planes.outputPlaneStride
            for vector in 0..<vectors {
                let count = isWhole ? laneCount : pixels.counts[vector]
                storeAny(larger(sums[index][vector], apply), plane + pixels.outputs[vector], count)
            }
        }
        guard convolution.activation != .none && convolution.activation != .relu else { return }
        for vector in 0..<vectors {
            let rows = target + pixels.outputs[vector]
            activateRows(
                rows, planes.outputPlaneStride, Input(rows), planes.outputPlaneStride, convolution.activation,
                rows: channels, columns: pixels.counts[vector])
        }
    }
}

/// output [planes, rows, phases, columns] from planes: rows and columns apart, zeros outside of the image.
///
/// Loop order: planes; rows; phases; columns.
func copyPlanes(_ output: Output, _ input: Input, _ copy: PlaneCopy) {
    for plane in 0..<copy.planes {
        var target = output + plane * copy.planeStride
        for row in 0..<copy.rows {
            let inputRow = copy.firstRow + row * copy.rowStep
            let isInside = inputRow >= 0 && inputRow < copy.inputHeight
            let source = input + (plane * copy.inputHeight + (isInside ? inputRow : 0)) * copy.inputWidth
            for phase in 0..<copy.phases {
                if isInside {
                    copyColumns(
                        target, source, width: copy.inputWidth, first: copy.firstColumn + phase * copy.columnStep,
                        step: copy.phases * copy.columnStep, count: copy.columns)
                } else {
                    clear(target, copy.columns)
                }
                target += copy.columns
            }
        }
    }
}

/// Every `step`-th value of a row from column `first` on, zeros outside of it.
@inline(__always)
private func copyColumns(_ output: Output, _ row: Input, width: Int, first: Int, step: Int, count: Int) {
    let left = min(count, first < 0 ? (-first + step - 1) / step : 0)
    let inner = max(left, min(count, (width - first + step - 1) / step))
    clear(output, left)
    let source = row + first + left * step
    let target = output + left
    switch step {
    case 1: copy(target, source, inner - left)
    case 2: copyEven(target, source, inner - left, available: width - first - left * step)
    default: for index in 0..<inner - left { target[index] = source[index * step] }
    }
    clear(output + inner, count - inner)
}

/// Every second value, of so many that may be read.
@inline(__always)
private func copyEven(_ output: Output, _ input: Input, _ count: Int, available: Int) {
    var index = 0
    while 2 * (index + laneCount) <= available && index + laneCount <= count {
        let pair = input + 2 * index
        store(evenLanes(load(pair), load(pair + laneCount)), output + index)
        index += laneCount
    }
    while index < count {
        output[index] = input[2 * index]
        index += 1
    }
}

#endif
