// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

// output [outputHeight, outputWidth, n], input [inputHeight, inputWidth, channels], packed [36][n / laneCount][channels][laneCount];
// scratch: transformed input [36][tiles][channels], then products [36][tiles][n].
//
// Loop order: blocks of whole tile rows that stay in L2; in each, all tiles into the transformed space, one matrix product for
// each of its 36 points, all tiles back.

/// Points of the transformed space of a 6x6 window of inputs.
private let points = 36
private let tileSize = WinogradKernels.tileSize

func winogradPackedCount(_ n: Int, _ channels: Int) -> Int { points * packedCount(n, channels) }

/// Transforms each 3x3 filter g to G g Gᵀ and puts it where `gemm` reads it.
func winogradPack(_ packed: Output, _ weight: Input, _ n: Int, _ channels: Int) {
    for index in 0..<winogradPackedCount(n, channels) { packed[index] = 0 }
    winogradTransformFilters(packed, weight, n, channels, panelWidth: laneCount, pointStride: packedCount(n, channels))
}

/// Transforms each 3x3 filter to matrices [36][channels][n].
func winogradTransformFilters(_ output: Output, _ weight: Input, _ n: Int, _ channels: Int) {
    winogradTransformFilters(output, weight, n, channels, panelWidth: n, pointStride: n * channels)
}

/// - Parameter panelWidth: Filters whose values of a channel stand side by side.
private func winogradTransformFilters(
    _ output: Output, _ weight: Input, _ n: Int, _ channels: Int, panelWidth: Int, pointStride: Int
) {
    for filter in 0..<n {
        let panel = output + filter / panelWidth * panelWidth * channels + filter % panelWidth
        for channel in 0..<channels {
            let source = weight + filter * 9 * channels + channel
            var columns = InlineArray<18, Double>(repeating: 0)
            for x in 0..<3 {
                let column = filterTransform(
                    Double(source[x * channels]), Double(source[(3 + x) * channels]), Double(source[(6 + x) * channels])
                )
                for y in 0..<6 { columns[y * 3 + x] = column[y] }
            }
            for y in 0..<6 {
                let row = filterTransform(columns[y * 3], columns[y * 3 + 1], columns[y * 3 + 2])
                for x in 0..<6 { panel[(y * 6 + x) * pointStride + channel * panelWidth] = Float(row[x]) }
            }
        }
    }
}

/// G times a column.
@inline(__always)
private func filterTransform(_ g0: Double, _ g1: Double, _ g2: Double) -> InlineArray<6, Double> {
    let outer = g0 / 24 + g2 / 6
    return [g0 / 4, (-g0 - g1 - g2) / 6, (-g0 + g1 - g2) / 6, outer + g1 / 12, outer - g1 / 12, g2]
}

func winogradScratchCount(_ geometry: WindowGeometry, _ n: Int) -> Int {
    points * tileRowsPerBlock(geometry) * geometry.winogradTileColumns * (geometry.channels + n)
}

/// About 40 tiles: enough rows for the matrix products, and all in L2 for the usual numbers of channels.
private func tileRowsPerBlock(_ geometry: WindowGeometry) -> Int {
    max(1, min(geometry.winogradTileRows, 40 / max(1, geometry.winogradTileColumns)))
}

func winogradConv2d(_ call: WinogradCall, _ packed: Input, _ scratch: Output) {
    let (geometry, n, end) = (call.geometry, call.columns, call.tileRows.upperBound)
    let step = tileRowsPerBlock(geometry)
    for row in stride(from: call.tileRows.lowerBound, to: end, by: step) {
        let block = WinogradBlock(geometry: geometry, firstTileRow: row, tileRows: min(step, end - row))
        let products = scratch + points * block.tiles * geometry.channels
        block.transformInput(scratch, call.input)
        for point in 0..<points {
            gemm(
                GemmCall(
                    output: products + point * block.tiles * n, outputStride: n,
                    input: Input(scratch) + point * block.tiles * geometry.channels, inputStride: geometry.channels,
                    packed: packed + point * packedCount(n, geometry.channels), m: block.tiles, n: n,
                    k: geometry.channels))
        }
        block.transformOutput(call, Input(products))
    }
}

/// The windows of some rows of tiles, in the transformed space: output [36][tiles][channels].
func winogradTransformInput(
    _ output: Output, _ input: Input, _ geometry: WindowGeometry, _ tileRows: Range<Int>
) {
    WinogradBlock(geometry: geometry, firstTileRow: tileRows.lowerBound, tileRows: tileRows.count)
        .transformInput(output, input)
}

/// The products [36][tiles][columns] of some rows of tiles back to some columns of the output's rows, with all that follows.
func winogradTransformOutput(_ call: WinogradCall) {
    WinogradBlock(geometry: call.geometry, firstTileRow: call.tileRows.lowerBound, tileRows: call.tileRows.count)
        .transformOutput(call, call.input)
}

/// A few rows of tiles.
private struct WinogradBlock {
    let geometry: WindowGeometry
    let firstTileRow: Int
    let tileRows: Int

    var tiles: Int { tileRows * geometry.winogradTileColumns }

    func transformInput(_ output: Output, _ input: Input) {
        let columns = geometry.winogradTileColumns
        for tile in 0..<tiles {
            let y = (firstTileRow + tile / columns) * tileSize - geometry.padTop
            let x = tile % columns * tileSize - geometry.padLeft
            for channel in stride(from: 0, to: geometry.channels, by: laneCount) {
                transformWindow(
                    input + channel, output + tile * geometry.channels + channel, y, x,
                    count: min(laneCount, geometry.channels - channel))
            }
        }
    }

    func transformOutput(_ call: WinogradCall, _ products: Input) {
        let epilogue = call.epilogue
        if epilogue.activation == .relu {
            transformOutput(call, products, ReLU.self)
        } else {
            transformOutput(call, products, Identity.self)
        }
        guard epilogue.activatesMemory else { return }
        let first = firstTileRow * tileSize
        let rows = min(tileRows * tileSize, geometry.outputHeight - first)
        let output = call.output + first * geometry.outputWidth * call.outputStride
        activateRows(
            output, call.outputStride, Input(output), call.outputStride, epilogue.activation,
            rows: rows * geometry.outputWidth, columns: call.columns)
    }

    @inline(__always)
    private func transformOutput<Function: LaneFunction>(
        _ call: WinogradCall, _ products: Input, _ function: Function.Type
    ) {
        let (n, columns) = (call.columns, geometry.winogradTileColumns)
        for tile in 0..<tiles {
            let y = (firstTileRow + tile / columns) * tileSize
            let x = tile % columns * tileSize
            let place = (y * geometry.outputWidth + x) * call.outputStride
            for channel in stride(from: 0, to: n, by: laneCount) {
                transformProducts(
                    call.output + place + channel, call.outputStride, products + tile * n + channel,
                    pointStride: tiles * n, call.epilogue.advanced(columns: channel, residual: place + channel),
                    rows: min(tileSize, geometry.outputHeight - y), columns: min(tileSize, geometry.outputWidth - x),
                    count: min(laneCount, n - channel), function)
            }
        }
    }

    /// Bᵀ d B of one vector of channels of the 6x6 window d whose corner is (y, x).
    @inline(__always)
    private func transformWindow(_ input: Input, _ target: Output, _ y: Int, _ x: Int, count: Int) {
        let channels = geometry.channels
        let rowStride = geometry.inputWidth * channels
        let pointStride = tiles * channels
        var window = InlineArray<36, Lanes>(repeating: all(0))
        for column in 0..<6 where x + column >= 0 && x + column < geometry.inputWidth {
            let source = input + (x + column) * channels
            var values = InlineArray<6, Lanes>(repeating: all(0))
            for row in 0..<6 where y + row >= 0 && y + row < geometry.inputHeight {
                values[row] = loadAny(source + (y + row) * rowStride, count)
            }
            let transformed = inputTransform(values)
            for row in 0..<6 { window[row * 6 + column] = transformed[row] }
        }
        for row in 0..<6 {
            var values = InlineArray<6, Lanes>(repeating: all(0))
            for column in 0..<6 { values[column] = window[row * 6 + column] }
            let transformed = inputTransform(values)
            for column in 0..<6 { storeAny(transformed[column], target + (row * 6 + column) * pointStride, count) }
        }
    }

    /// Aᵀ m A of one vector of channels of the 36 products m, with all that follows; writes the outputs that there are.
    @inline(__always)
    private func transformProducts<Function: LaneFunction>(
        _ output: Output, _ outputStride: Int, _ source: Input, pointStride: Int, _ epilogue: Epilogue, rows: Int,
        columns: Int, count: Int, _ function: Function.Type
    ) {
        let rowStride = geometry.outputWidth * outputStride
        let start = epilogue.start(count)
        var tile = InlineArray<24, Lanes>(repeating: all(0))
        for column in 0..<6 {
            var values = InlineArray<6, Lanes>(repeating: all(0))
            for row in 0..<6 { values[row] = loadAny(source + (row * 6 + column) * pointStride, count) }
            let transformed = outputTransform(values)
            for row in 0..<4 { tile[row * 6 + column] = transformed[row] }
        }
        for row in 0..<4 where row < rows {
            var values = InlineArray<6, Lanes>(repeating: all(0))
            for column in 0..<6 { values[column] = tile[row * 6 + column] }
            let transformed = outputTransform(values)
            for column in 0..<4 where column < columns {
                let place = row * rowStride + column * outputStride
                epilogue.write(
                    transformed[column] + start, to: output + place, residual: place, count, function)
            }
        }
    }
}

/// Bᵀ times a column.
@inline(__always)
private func inputTransform(_ d: InlineArray<6, Lanes>) -> InlineArray<6, Lanes> {
    let even = multiplyAdd(d[4], d[2], all(-4))
    let odd = multiplyAdd(d[3], d[1], all(-4))
    let difference = d[4] - d[2]
    let twice = (d[3] - d[1]) * all(2)
    return [
        multiplyAdd(multiplyAdd(d[4], d[2], all(-5)), d[0], all(4)), even + odd, even - odd, difference + twice,
        difference - twice, multiplyAdd(multiplyAdd(d[5], d[3], all(-5)), d[1], all(4)),
    ]
}

/// Aᵀ times a column.
@inline(__always)
private func outputTransform(_ m: InlineArray<6, Lanes>) -> InlineArray<4, Lanes> {
    let (sum1, sum2) = (m[1] + m[2], m[3] + m[4])
    let (difference1, difference2) = (m[1] - m[2], m[3] - m[4])
    return [
        m[0] + sum1 + sum2, multiplyAdd(difference1, difference2, all(2)), multiplyAdd(sum1, sum2, all(4)),
        multiplyAdd(difference1, difference2, all(8)) + m[5],
    ]
}

#endif
