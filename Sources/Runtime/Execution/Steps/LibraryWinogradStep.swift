// SPDX-License-Identifier: MIT

import BLAS
import Kernels

/// A convolution with 3x3 windows at stride 1, in the transformed space of Winograd's algorithm, whose products OpenBLAS does.
struct LibraryWinogradStep: Step {
    let library: OpenBLAS
    let output: Slot
    let input: Slot
    /// Where the matrices [36][channels][outChannels] stand in the prepared weights.
    let weight: Int
    let epilogue: StepEpilogue
    let geometry: WindowGeometry
    let outChannels: Int

    private var blocks: ProductBlocks { Self.blocks(geometry, outChannels: outChannels) }

    /// How the tiles are cut, in whole rows of tiles.
    static func blocks(_ geometry: WindowGeometry, outChannels: Int) -> ProductBlocks {
        let columns = geometry.winogradTileColumns
        // Few tiles, or the transformed windows and products would leave L2 by much.
        let fitting = blockFloats / (WinogradKernels.points * (geometry.channels + outChannels))
        let tileRows = max(1, max(fitting, leastTiles) / columns)
        return ProductBlocks(
            rows: geometry.winogradTileRows * columns, columns: outChannels,
            depth: WinogradKernels.points * geometry.channels, unit: columns, mostRows: tileRows * columns)
    }

    private var productsOffset: Int { WinogradKernels.points * blocks.blockRows * geometry.channels }
    var scratchByteCount: Int {
        (productsOffset + WinogradKernels.points * blocks.blockRows * blocks.blockColumns) * 4
    }

    func run(_ run: StepRun) {
        let blocks = blocks
        var transformed = 0..<0
        for index in run.share(of: blocks.count) {
            let block = blocks[index]
            let columns = geometry.winogradTileColumns
            let tileRows = block.rows.lowerBound / columns..<block.rows.upperBound / columns
            if block.rows != transformed {
                run.kernels.winograd.transformInput(run.scratch, run.read(input), geometry, tileRows)
            }
            transformed = block.rows
            let products = run.scratch + productsOffset
            multiply(run, products, tiles: block.rows.count, columns: block.columns)
            let first = block.columns.lowerBound
            run.kernels.winograd.transformOutput(
                WinogradCall(
                    output: run.write(output) + first, outputStride: outChannels, input: Input(products),
                    epilogue: epilogue.at(column: first, place: first, run), geometry: geometry,
                    columns: block.columns.count, tileRows: tileRows))
        }
    }

    /// A product for each point: [36][tiles][columns].
    private func multiply(_ run: StepRun, _ products: Output, tiles: Int, columns: Range<Int>) {
        let channels = geometry.channels
        run.kernels.elementwise.beginRows(
            products, columns.count, Epilogue(), WinogradKernels.points * tiles, columns.count)
        for point in 0..<WinogradKernels.points {
            library.addProduct(
                products + point * tiles * columns.count, columns.count,
                Input(run.scratch) + point * tiles * channels, channels,
                run.weights(weight) + point * channels * outChannels + columns.lowerBound, outChannels, m: tiles,
                n: columns.count, k: channels)
        }
    }

    private static let blockFloats = CacheSizes.l2Floats * 3 / 4
    private static let leastTiles = 40
}
