// SPDX-License-Identifier: MIT

import Kernels

/// What the ways to do a convolution cost for one output pixel: vectors multiplied and added, and what takes as long.
///
/// The weights of what is not a multiplication were fitted to measurements on AVX-512, with
/// `Benchmarks/peers/run shapes`.
struct ConvolutionCosts {
    /// A matrix product for each group, columns padded to whole panels. What a group costs besides is its copy, its call and
    /// its outputs, written apart from the others'.
    let matrices: Int
    /// Sums with lanes along the depth, for four outputs at a time, and as many lanes' addition at the end, for each group.
    let dots: Int
    /// Vectors along all groups' outputs, each lane of which picks its input: a pick takes as long as a multiply-add. Nil if
    /// a vector's inputs do not lie within two vectors.
    let channelwise: Int?

    init(_ conv: Conv2d, _ geometry: WindowGeometry, lanes: Int) {
        let (inputs, outputs) = (conv.inChannels / conv.groups, conv.outChannels / conv.groups)
        let taps = geometry.kernelHeight * geometry.kernelWidth
        // A group of windows is copied by itself.
        let overhead = conv.groups == 1 ? 0 : taps == 1 && geometry.isUnpadded ? 2 : 32
        matrices = conv.groups * ((outputs + lanes - 1) / lanes * taps * inputs + overhead)

        let runs = geometry.windowRuns(groups: conv.groups)
        let vectors = geometry.kernelHeight * runs.count * ((runs.length + lanes - 1) / lanes)
        let width = geometry.isPointwise ? geometry.outputHeight * geometry.outputWidth : geometry.outputWidth
        dots = conv.groups * (((outputs + 3) / 4 * 4) * (vectors + 4) * ((width + 3) / 4 * 4) / width + overhead)

        let groupsPerVector = stride(from: 0, to: conv.outChannels, by: lanes).map { first in
            (min(first + lanes, conv.outChannels) - 1) / outputs - first / outputs + 1
        }
        let fits = (groupsPerVector.max() ?? 0) * inputs <= 2 * lanes
        // Without the instruction, a pick is a load for each lane.
        let pickAndMultiply = lanes > 4 ? 2 : 1 + lanes
        channelwise = fits ? pickAndMultiply * ((conv.outChannels + lanes - 1) / lanes) * taps * inputs : nil

        if conv.groups > 1, let channelwise, channelwise < min(matrices, dots) {
            way = .channelwise
        } else if dots * 5 < matrices * 4 {
            // Well below a matrix product: short dot products are slower than counted.
            way = .dots
        } else if conv.groups == 1 && geometry.favoursWinograd(outChannels: conv.outChannels) {
            way = .winograd
        } else {
            way = .matrices
        }
    }

    /// A way to do a convolution, but for depthwise ones.
    enum Way {
        /// The groups' outputs share vectors.
        case channelwise
        /// Lanes along the depth.
        case dots
        /// A fast algorithm for 3x3 windows.
        case winograd
        /// A matrix product for each group.
        case matrices
    }

    let way: Way
}
