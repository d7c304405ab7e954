// SPDX-License-Identifier: MIT

import Kernels

/// What a convolution costs for one image that is given, and wanted, with channels first: left so, or turned before and
/// after. In multiply-adds of a vector.
///
/// The weights were fitted to measurements on AVX-512, of random shapes as `Benchmarks/peers/run shapes` draws them.
struct PlanarCosts {
    /// With lanes along the pixels.
    let planar: Int
    /// With lanes along the channels, in the way that suits best, and both images turned.
    let turned: Int

    init(_ conv: Conv2d, _ geometry: WindowGeometry, lanes: Int) {
        let (inputs, outputs) = (conv.inChannels / conv.groups, conv.outChannels / conv.groups)
        let (depth, pixels) = (
            inputs * geometry.kernelHeight * geometry.kernelWidth, geometry.outputHeight * geometry.outputWidth
        )
        let vectors = { (count: Int) in (count + lanes - 1) / lanes }
        // Blocks of eight channels, four, two and one: each reads the pixels again.
        let blocks = outputs / 8 + (outputs % 8).nonzeroBitCount
        let pixelVectors =
            geometry.isPointwise ? vectors(pixels) : geometry.outputHeight * vectors(geometry.outputWidth)
        var planar = conv.groups * pixelVectors * (depth * (outputs + 2 * blocks) + 55)
        if !geometry.readsPlanesInPlace {
            let copy = geometry.planeCopy(of: 0..<geometry.outputHeight, inputs: conv.inChannels)
            let copyVectors = vectors(copy.columns) * (copy.phases * copy.columnStep == 1 ? 11 : 22)
            planar += copy.planes * copy.rows * copy.phases * (44 + copyVectors)
        }
        // Vectors of four: twice the instructions, and fewer registers than a block would want.
        self.planar = lanes > 4 ? planar : planar * 7 / 5

        let costs = ConvolutionCosts(conv, geometry, lanes: lanes)
        let turning = vectors(conv.inChannels * geometry.inputHeight * geometry.inputWidth + conv.outChannels * pixels)
        let multiplying =
            switch costs.way {
            case .channelwise: (costs.channelwise ?? 0) * pixels * 8 / 5
            case .dots: costs.dots * pixels * 7 / 5
            case .winograd:
                conv.inChannels * vectors(conv.outChannels) * geometry.winogradTileRows * geometry.winogradTileColumns
                    * 36 * 8 / 5
            case .matrices: costs.matrices * pixels * 6 / 5
            }
        turned = multiplying + 18 * turning
    }
}
