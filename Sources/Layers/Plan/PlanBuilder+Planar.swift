// SPDX-License-Identifier: MIT

import Kernels

extension PlanBuilder {
    /// Does a convolution of the network's input, whose result is the network's, without turning whole images, where that
    /// is faster.
    ///
    /// - Returns: Whether it did.
    mutating func appendPlanarConvolution(_ conv: Conv2d, _ group: FusedNode, _ geometry: WindowGeometry) -> Bool {
        let source = node(group.root).inputs[0]
        guard case .input = node(source).operation, consumers[source].count == 1, group.result == result,
            group.residual == nil
        else { return false }
        switch planarWay(conv, geometry) {
        case .planes: appendPlanar(conv, group, geometry)
        case .blocks: appendChannelBlocks(conv, group, geometry)
        case nil: return false
        }
        return true
    }

    private enum PlanarWay {
        /// Lanes along the pixels.
        case planes
        /// A few channels are turned at a time.
        case blocks
    }

    private func planarWay(_ conv: Conv2d, _ geometry: WindowGeometry) -> PlanarWay? {
        let lanes = kernels.panelWidth
        if conv.isDepthwise && conv.groups > 1 {
            if conv.groups >= 16 { return .blocks }
            // Four and eight channels are turned fast, and several pixels of them share a vector.
            return conv.groups < lanes && ![4, 8].contains(conv.groups) ? .planes : nil
        }
        let costs = PlanarCosts(conv, geometry, lanes: lanes)
        if costs.planar < costs.turned { return .planes }
        // A small image, turned, stays in a cache whole.
        let isLarge = conv.inChannels * geometry.inputHeight * geometry.inputWidth >= 32768
        return isLarge && ConvolutionCosts(conv, geometry, lanes: lanes).way == .matrices && !geometry.isPointwise
            ? .blocks : nil
    }

    /// Lanes along the pixels.
    private mutating func appendPlanar(_ conv: Conv2d, _ group: FusedNode, _ geometry: WindowGeometry) {
        let kernels = kernels
        let depth = conv.inChannels / conv.groups * geometry.kernelHeight * geometry.kernelWidth
        let outputs = conv.outChannels / conv.groups
        let weight = weights.reserve(conv.outChannels * depth) { packed in
            try conv.foldedWeight(group.batchNorm).withUnsafeBufferPointer { filters in
                guard let base = filters.baseAddress else { return }
                for first in stride(from: 0, to: conv.outChannels * depth, by: outputs * depth) {
                    kernels.planes.pack(packed + first, base + first, outputs, depth)
                }
            }
        }
        let bias = reserveBias(conv.bias, count: conv.outChannels, name: conv.name, batchNorm: group.batchNorm)
        appendPlanar(
            conv, group, algorithm: "planar", reason: "few multiplications: turning the images would take longer"
        ) { input, output in
            PlanarStep(
                output: output, input: input, weight: weight, bias: bias, activation: group.activation,
                geometry: geometry, groups: conv.groups, outChannels: conv.outChannels)
        }
    }

    /// Lanes along the channels, of which a few are turned at a time.
    private mutating func appendChannelBlocks(_ conv: Conv2d, _ group: FusedNode, _ geometry: WindowGeometry) {
        let taps = geometry.kernelHeight * geometry.kernelWidth
        let kernels = kernels
        let kernel: ChannelBlocksStep.Kernel
        let (weight, bias): (Int, Int?)
        if conv.isDepthwise {
            kernel = geometry.hasDepthwiseBlocks(panelWidth: kernels.panelWidth) ? .depthwise : .channelwise
            weight = weights.reserve(kernels.packedCount(conv.outChannels, taps)) { packed in
                kernels.pack(packed, try conv.foldedWeight(group.batchNorm), conv.outChannels, taps, .padded)
            }
            bias = reserveBias(conv.bias, count: conv.outChannels, name: conv.name, batchNorm: group.batchNorm)
        } else {
            kernel = .matrices(packedCount: packedCountPerGroup(conv))
            (weight, bias) = reserveMatrices(conv, group, lastPanel: .padded)
        }
        appendPlanar(
            conv, group, algorithm: "\(kernel), blocks of channels",
            reason: "a few channels are turned at a time and stay in a cache"
        ) { input, output in
            ChannelBlocksStep(
                output: output, input: input, weight: weight, bias: bias, activation: group.activation,
                geometry: geometry, groups: conv.groups, outChannels: conv.outChannels, kernel: kernel)
        }
    }

    private mutating func appendPlanar(
        _ conv: Conv2d, _ group: FusedNode, algorithm: String, reason: String,
        make: @escaping (_ input: Slot, _ output: Slot) -> any Step
    ) {
        let (input, output) = (resolved(node(group.root).inputs[0]), group.result)
        layout = .channelsFirst
        append(
            Draft(
                summary: summary(conv, group, algorithm: algorithm, reason: reason), reads: [input], writes: [output],
                isRowwise: false, inPlace: nil, make: { slot in make(slot(input), slot(output)) }))
    }
}
