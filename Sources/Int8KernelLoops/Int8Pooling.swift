// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

// Images [height, width, channels]; a window at a time, lanes along the channels.

/// A window's rows and columns that lie in the image.
private struct Inside {
    let rows: Range<Int>
    let columns: Range<Int>

    @inline(__always)
    init(_ geometry: WindowGeometry, row: Int, column: Int) {
        rows = Self.range(
            row * geometry.strideHeight - geometry.padTop, geometry.dilationHeight, geometry.kernelHeight,
            geometry.inputHeight)
        columns = Self.range(
            column * geometry.strideWidth - geometry.padLeft, geometry.dilationWidth, geometry.kernelWidth,
            geometry.inputWidth)
    }

    /// The taps that lie in 0 ..< size, if the first stands at `start`.
    @inline(__always)
    private static func range(_ start: Int, _ step: Int, _ taps: Int, _ size: Int) -> Range<Int> {
        let first = start < 0 ? (step - 1 - start) / step : 0
        let end = start < size ? min(taps, (size - 1 - start) / step + 1) : 0
        return first < end ? first..<end : 0..<0
    }
}

@inline(__always)
private func place(_ geometry: WindowGeometry, _ row: Int, _ column: Int, _ tapRow: Int, _ tapColumn: Int) -> Int {
    let y = row * geometry.strideHeight - geometry.padTop + tapRow * geometry.dilationHeight
    let x = column * geometry.strideWidth - geometry.padLeft + tapColumn * geometry.dilationWidth
    return (y * geometry.inputWidth + x) * geometry.channels
}

func maxPool(_ output: UnsafeMutablePointer<UInt8>, _ input: Bytes, _ geometry: WindowGeometry, _ rows: Range<Int>) {
    let channels = geometry.channels
    for row in rows {
        for column in 0..<geometry.outputWidth {
            let inside = Inside(geometry, row: row, column: column)
            let target = output + (row * geometry.outputWidth + column) * channels
            for channel in stride(from: 0, to: channels, by: blockLength) {
                let count = min(blockLength, channels - channel)
                var known = all(Int32(0))
                for tapRow in inside.rows {
                    for tapColumn in inside.columns {
                        let source = input + place(geometry, row, column, tapRow, tapColumn) + channel
                        known = largest(known, bytes(source, count))
                    }
                }
                if count == blockLength {
                    storeBlock(known, target + channel)
                } else {
                    storeBlock(known, target + channel, count)
                }
            }
        }
    }
}

func averagePool(
    _ output: UnsafeMutablePointer<UInt8>, _ input: Int8Operand, _ geometry: WindowGeometry, _ countIncludePad: Bool,
    _ range: Int8Range, _ rows: Range<Int>
) {
    for row in rows {
        for column in 0..<geometry.outputWidth {
            let inside = Inside(geometry, row: row, column: column)
            let values = inside.rows.count * inside.columns.count
            let count = countIncludePad ? paddedCount(geometry, row, column) : values
            let factor = all(input.multiplier / Float(max(1, count)))
            let zeros = all(Int32(truncatingIfNeeded: values) &* input.zero)
            let target = output + (row * geometry.outputWidth + column) * geometry.channels
            var channel = 0
            while channel < geometry.channels {
                let lanes = min(laneCount, geometry.channels - channel)
                var sum = all(Int32(0))
                for tapRow in inside.rows {
                    for tapColumn in inside.columns {
                        let source = input.values + place(geometry, row, column, tapRow, tapColumn) + channel
                        sum = add(
                            sum, lanes == laneCount ? loadBytes(source) : loadBytes(source, lanes))
                    }
                }
                let value = held(floats(subtract(sum, zeros)) * factor, all(range.low), all(range.high))
                let words = add(rounded(value), all(range.zero))
                if lanes == laneCount {
                    storeBytes(words, target + channel)
                } else {
                    storeBytes(words, target + channel, lanes)
                }
                channel += laneCount
            }
        }
    }
}

/// Places of a window within the padded image.
@inline(__always)
private func paddedCount(_ geometry: WindowGeometry, _ row: Int, _ column: Int) -> Int {
    let height = geometry.inputHeight + geometry.padTop + geometry.padBottom - row * geometry.strideHeight
    let width = geometry.inputWidth + geometry.padLeft + geometry.padRight - column * geometry.strideWidth
    return min(geometry.kernelHeight, max(0, (height - 1) / geometry.dilationHeight + 1))
        * min(geometry.kernelWidth, max(0, (width - 1) / geometry.dilationWidth + 1))
}

#endif
