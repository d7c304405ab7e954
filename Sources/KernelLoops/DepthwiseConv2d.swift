// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

// output [outputHeight, outputWidth, channels], input [inputHeight, inputWidth, channels],
// weight [channels / laneCount][kernelHeight * kernelWidth][laneCount], as `pack` writes it
//
// Loop order: strips of output rows whose input stays in L2; one vector of channels, of which a window's rows stay in L1;
// the rows of the strip; blocks of output pixels whose sums stay in registers while the rows of the window pass by. The
// activation and the sum of the row follow while the row's vector lies in L1, SiLU behind small windows in the registers.

func depthwiseConv2d(_ call: DepthwiseCall) {
    let geometry = call.geometry
    let channels = geometry.channels
    let inputRow = geometry.inputWidth * call.inputStride * geometry.strideHeight
    let stripRows = max(1, 98304 / max(1, inputRow) - geometry.kernelHeight / geometry.strideHeight)
    let end = call.rows.upperBound
    for strip in stride(from: call.rows.lowerBound, to: end, by: stripRows) {
        for channel in stride(from: 0, to: channels, by: laneCount) {
            DepthwiseStrip(
                output: call.output + channel, outputStride: call.outputStride,
                rowSums: call.rowSums.map { $0 + channel }, input: call.input + channel,
                inputStride: call.inputStride,
                weight: call.packed + channel * geometry.kernelHeight * geometry.kernelWidth,
                epilogue: call.epilogue.advanced(columns: channel, residual: 0),
                count: min(laneCount, channels - channel), rows: strip..<min(strip + stripRows, end)
            ).convolve(geometry)
        }
    }
}

/// The rows of a window that lie within the image, for one output row.
struct Taps {
    let firstTap: Int
    let count: Int
    let firstInputRow: Int

    init(row: Int, geometry: WindowGeometry) {
        let top = row * geometry.strideHeight - geometry.padTop
        let dilation = geometry.dilationHeight
        let (above, below) = (max(0, -top), max(0, geometry.inputHeight - top))
        let first = dilation == 1 ? above : (above + dilation - 1) / dilation
        let last = min(geometry.kernelHeight, dilation == 1 ? below : (below + dilation - 1) / dilation)
        count = max(0, last - first)
        firstTap = count > 0 ? first : 0
        firstInputRow = count > 0 ? top + first * dilation : 0
    }
}

/// One vector of channels in some output rows.
private struct DepthwiseStrip {
    /// The vector in row 0 at x = 0, as the input is.
    let output: Output
    let outputStride: Int
    let rowSums: Output?
    let input: Input
    let inputStride: Int
    let weight: Input
    let epilogue: Epilogue
    /// Channels in the vector.
    let count: Int
    let rows: Range<Int>

    @inline(__always)
    func convolve(_ geometry: WindowGeometry) {
        guard geometry.dilationWidth == 1 && count == laneCount else { return convolve(geometry, AnyWindow.self) }
        switch (geometry.kernelWidth, geometry.strideWidth) {
        case (3, 1): convolveSmall(geometry, DepthwiseBlock<3, 1>.self)
        case (3, 2): convolveSmall(geometry, DepthwiseBlock<3, 2>.self)
        case (5, 1): convolve(geometry, DepthwiseBlock<5, 1>.self)
        case (5, 2): convolve(geometry, DepthwiseBlock<5, 2>.self)
        case (7, 1): convolve(geometry, DepthwiseBlock<7, 1>.self)
        case (7, 2): convolve(geometry, DepthwiseBlock<7, 2>.self)
        default: convolve(geometry, AnyWindow.self)
        }
    }

    /// Behind a small window SiLU has registers enough of its own, and goes on while the next input comes from L2.
    /// Behind larger ones it is slower so.
    @inline(__always)
    private func convolveSmall<Window: DepthwiseWindow>(_ geometry: WindowGeometry, _ window: Window.Type) {
        guard epilogue.activation == .silu else { return convolve(geometry, window) }
        for row in rows {
            let total = Window.convolve(line(row, geometry), geometry, SiLU.self)
            if let rowSums { store(total, rowSums + row * outputStride) }
        }
    }

    @inline(__always)
    private func convolve<Window: DepthwiseWindow>(_ geometry: WindowGeometry, _: Window.Type) {
        for row in rows {
            let line = line(row, geometry)
            _ = Window.convolve(line, geometry, Identity.self)
            if epilogue.activation != .none || rowSums != nil {
                activateChannels(
                    line.output, outputStride, epilogue.activation, pixels: geometry.outputWidth,
                    sums: rowSums.map { $0 + row * outputStride }, count: count)
            }
        }
    }

    @inline(__always)
    private func line(_ row: Int, _ geometry: WindowGeometry) -> DepthwiseLine {
        let taps = Taps(row: row, geometry: geometry)
        return DepthwiseLine(
            output: output + row * geometry.outputWidth * outputStride, outputStride: outputStride,
            input: input + taps.firstInputRow * geometry.inputWidth * inputStride, inputStride: inputStride,
            weight: weight + taps.firstTap * geometry.kernelWidth * laneCount, epilogue: epilogue, count: count,
            taps: taps.count)
    }
}

/// A way to convolve one line.
private protocol DepthwiseWindow {
    /// Writes the function of each pixel's sum, and returns all of them added up.
    static func convolve<Function: LaneFunction>(
        _ line: DepthwiseLine, _ geometry: WindowGeometry, _: Function.Type
    ) -> Lanes
}

/// One vector of channels in one output row.
private struct DepthwiseLine {
    let output: Output
    let outputStride: Int
    /// The first row that the window meets, at x = 0.
    let input: Input
    let inputStride: Int
    /// The filter's row that falls on it.
    let weight: Input
    let epilogue: Epilogue
    /// Channels in the vector.
    let count: Int
    /// Rows of the window within the image.
    let taps: Int
}

/// The general form: a block of pixels at a time where all their windows lie within the rows, else one pixel.
private enum AnyWindow: DepthwiseWindow {
    @inline(__always)
    static func convolve<Function: LaneFunction>(
        _ line: DepthwiseLine, _ geometry: WindowGeometry, _: Function.Type
    ) -> Lanes {
        let (count, pixels) = (line.count, Blocking.DepthwisePixels.count)
        let start = line.epilogue.bias.map { load($0, count: count) } ?? all(0)
        let span = (pixels - 1) * geometry.strideWidth + (geometry.kernelWidth - 1) * geometry.dilationWidth
        var total = all(0)
        var x = 0
        while x < geometry.outputWidth {
            let inputX = x * geometry.strideWidth - geometry.padLeft
            let target = line.output + x * line.outputStride
            if inputX >= 0 && inputX + span < geometry.inputWidth && x + pixels <= geometry.outputWidth {
                let sums =
                    count == laneCount
                    ? block(line, geometry, start, inputX, isWhole: true)
                    : block(line, geometry, start, inputX, isWhole: false)
                for pixel in 0..<pixels {
                    let value = Function.apply(sums[pixel])
                    store(value, target + pixel * line.outputStride, count: count)
                    total = total + value
                }
                x += pixels
            } else {
                let value = Function.apply(pixel(line, geometry, start, inputX))
                store(value, target, count: count)
                total = total + value
                x += 1
            }
        }
        return total
    }

    /// The sums of a block of pixels whose windows lie within the rows.
    ///
    /// - Parameter isWhole: Whether the vector of channels is full.
    @inline(__always)
    private static func block(
        _ line: DepthwiseLine, _ geometry: WindowGeometry, _ start: Lanes, _ inputX: Int, isWhole: Bool
    ) -> Blocking.DepthwisePixels {
        var sums = Blocking.DepthwisePixels(repeating: start)
        let step = geometry.strideWidth * line.inputStride
        for tap in 0..<line.taps {
            var source =
                line.input + (tap * geometry.dilationHeight * geometry.inputWidth + inputX) * line.inputStride
            let weightRow = line.weight + tap * geometry.kernelWidth * laneCount
            for kernelX in 0..<geometry.kernelWidth {
                let factor = load(weightRow + kernelX * laneCount)
                for pixel in 0..<Blocking.DepthwisePixels.count {
                    let value = isWhole ? load(source + pixel * step) : load(source + pixel * step, count: line.count)
                    sums[pixel] = multiplyAdd(sums[pixel], value, factor)
                }
                source += geometry.dilationWidth * line.inputStride
            }
        }
        return sums
    }

    /// The sum of one pixel, whose window may reach beyond the rows.
    @inline(__always)
    private static func pixel(
        _ line: DepthwiseLine, _ geometry: WindowGeometry, _ start: Lanes, _ inputX: Int
    ) -> Lanes {
        var sum = start
        for tap in 0..<line.taps {
            let inputRow = line.input + tap * geometry.dilationHeight * geometry.inputWidth * line.inputStride
            let weightRow = line.weight + tap * geometry.kernelWidth * laneCount
            for kernelX in 0..<geometry.kernelWidth {
                let column = inputX + kernelX * geometry.dilationWidth
                guard column >= 0 && column < geometry.inputWidth else { continue }
                sum = multiplyAdd(
                    sum, load(inputRow + column * line.inputStride, count: line.count),
                    load(weightRow + kernelX * laneCount))
            }
        }
        return sum
    }
}

/// Seven output pixels at a time, for one width of window and one step.
private enum DepthwiseBlock<let width: Int, let step: Int>: DepthwiseWindow {
    @inline(__always)
    static func convolve<Function: LaneFunction>(
        _ line: DepthwiseLine, _ geometry: WindowGeometry, _: Function.Type
    ) -> Lanes {
        let pixels = Blocking.DepthwisePixels.count
        let start = line.epilogue.bias.map { load($0) } ?? all(0)
        var total = all(0)
        var x = 0
        while x < geometry.outputWidth {
            let inputX = x * step - geometry.padLeft
            let isInner =
                inputX >= 0 && inputX + (pixels - 1) * step + width <= geometry.inputWidth
                && x + pixels <= geometry.outputWidth
            let sums =
                isInner
                ? block(line, geometry, start, inputX, isInner: true)
                : block(line, geometry, start, inputX, isInner: false)
            // Two loops: the one that is nearly always taken has no end to look for. Both are unrolled: an index that is
            // known only when it runs would put the sums into memory.
            let target = line.output + x * line.outputStride
            if x + pixels <= geometry.outputWidth {
                for pixel in 0..<pixels {
                    let value = Function.apply(sums[pixel])
                    store(value, target + pixel * line.outputStride)
                    total = total + value
                }
            } else {
                for pixel in 0..<pixels where x + pixel < geometry.outputWidth {
                    let value = Function.apply(sums[pixel])
                    store(value, target + pixel * line.outputStride)
                    total = total + value
                }
            }
            x += pixels
        }
        return total
    }

    /// The sums of one block. Each input vector is read once and multiplied by all taps that it meets.
    ///
    /// - Parameter isInner: Whether all windows of the block lie within the image; else what lies outside is left out.
    @inline(__always)
    private static func block(
        _ line: DepthwiseLine, _ geometry: WindowGeometry, _ start: Lanes, _ inputX: Int, isInner: Bool
    ) -> Blocking.DepthwisePixels {
        var sums = Blocking.DepthwisePixels(repeating: start)
        var input = line.input + inputX * line.inputStride
        var weight = line.weight
        for _ in 0..<line.taps {
            var factors = InlineArray<width, Lanes>(repeating: start)
            for tap in 0..<width { factors[tap] = load(weight + tap * laneCount) }
            for column in 0..<(Blocking.DepthwisePixels.count - 1) * step + width
            where isInner || UInt(bitPattern: inputX + column) < UInt(bitPattern: geometry.inputWidth) {
                let value = load(input + column * line.inputStride)
                for tap in 0..<width where column >= tap && (column - tap) % step == 0 {
                    let pixel = (column - tap) / step
                    if pixel < Blocking.DepthwisePixels.count {
                        sums[pixel] = multiplyAdd(sums[pixel], value, factors[tap])
                    }
                }
            }
            input += geometry.dilationHeight * geometry.inputWidth * line.inputStride
            weight += width * laneCount
        }
        return sums
    }
}

#endif
