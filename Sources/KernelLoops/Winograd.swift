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

func winogradConv2d(
    _ output: Output, _ input: Input, _ packed: Input, _ bias: Input?, _ residual: Input?, _ activation: Activation,
    _ geometry: WindowGeometry, _ n: Int, _ firstTileRow: Int, _ tileRowCount: Int, _ scratch: Output
) {
    let end = firstTileRow + tileRowCount
    let step = tileRowsPerBlock(geometry)
    for row in stride(from: firstTileRow, to: end, by: step) {
        let block = WinogradBlock(geometry: geometry, firstTileRow: row, tileRows: min(step, end - row))
        let products = scratch + points * block.tiles * geometry.channels
        block.transformInput(scratch, input)
        for point in 0..<points {
            gemm(
                products + point * block.tiles * n, n, Input(scratch) + point * block.tiles * geometry.channels,
                geometry.channels, packed + point * packedCount(n, geometry.channels), nil, nil, 0, .none, block.tiles,
                n, geometry.channels, .padded, nil)
        }
        block.transformOutput(output, n, Input(products), bias, residual, activation, columns: n)
    }
}

/// The windows of some rows of tiles, in the transformed space: output [36][tiles][channels].
func winogradTransformInput(
    _ output: Output, _ input: Input, _ geometry: WindowGeometry, _ firstTileRow: Int, _ tileRowCount: Int
) {
    WinogradBlock(geometry: geometry, firstTileRow: firstTileRow, tileRows: tileRowCount).transformInput(output, input)
}

/// The products [36][tiles][columns] of some rows of tiles back to some columns of the output's rows, with all that follows.
func winogradTransformOutput(
    _ output: Output, _ outputStride: Int, _ products: Input, _ bias: Input?, _ residual: Input?,
    _ activation: Activation, _ geometry: WindowGeometry, _ columns: Int, _ firstTileRow: Int, _ tileRowCount: Int
) {
    WinogradBlock(geometry: geometry, firstTileRow: firstTileRow, tileRows: tileRowCount)
        .transformOutput(output, outputStride, products, bias, residual, activation, columns: columns)
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

    func transformOutput(
        _ output: Output, _ outputStride: Int, _ products: Input, _ bias: Input?, _ residual: Input?,
        _ activation: Activation, columns n: Int
    ) {
        let columns = geometry.winogradTileColumns
        let bound = activation == .relu ? Float(0) : -.infinity
        for tile in 0..<tiles {
            let y = (firstTileRow + tile / columns) * tileSize
            let x = tile % columns * tileSize
            let place = (y * geometry.outputWidth + x) * outputStride
            for channel in stride(from: 0, to: n, by: laneCount) {
                transformProducts(
                    output + place + channel, outputStride, products + tile * n + channel, pointStride: tiles * n,
                    bias.map { $0 + channel }, residual.map { $0 + place + channel }, bound,
                    rows: min(tileSize, geometry.outputHeight - y), columns: min(tileSize, geometry.outputWidth - x),
                    count: min(laneCount, n - channel))
            }
        }
        if activation != .none && activation != .relu {
            let first = firstTileRow * tileSize
            let rows = min(tileRows * tileSize, geometry.outputHeight - first)
            activateBlock(
                output + first * geometry.outputWidth * outputStride, outputStride, activation,
                rows * geometry.outputWidth, n)
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
    private func transformProducts(
        _ output: Output, _ outputStride: Int, _ source: Input, pointStride: Int, _ bias: Input?, _ residual: Input?,
        _ bound: Float, rows: Int, columns: Int, count: Int
    ) {
        let rowStride = geometry.outputWidth * outputStride
        let start = bias.map { loadAny($0, count) } ?? all(0)
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
                var value = transformed[column] + start
                if let residual { value = value + loadAny(residual + place, count) }
                storeAny(larger(value, bound), output + place, count)
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
