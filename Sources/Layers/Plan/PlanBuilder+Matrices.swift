// SPDX-License-Identifier: MIT

import Kernels
import Tensors

extension PlanBuilder {
    /// Chooses how to do a convolution.
    mutating func appendConvolution(_ conv: Conv2d, _ group: FusedNode) {
        let source = node(group.root).inputs[0]
        let geometry = conv.window.geometry(over: node(source).shape)
        if appendPlanarConvolution(conv, group, geometry) { return }
        if conv.isDepthwise && conv.groups > 1 {
            return appendDepthwise(conv, group, geometry)
        }
        if conv.groups == 1 && geometry.isPointwise && scale(of: source) != nil {
            return appendPointwise(conv, group, geometry)
        }
        switch ConvolutionCosts(conv, geometry, lanes: kernels.panelWidth).way {
        case .channelwise:
            appendChannelwise(conv, group, geometry, reason: "\(conv.groups) groups of few outputs share vectors")
        case .dots: appendGeneral(conv, group, geometry, usesDots: true)
        case .winograd: appendWinograd(conv, group, geometry)
        case .matrices where conv.groups == 1 && geometry.isPointwise: appendPointwise(conv, group, geometry)
        case .matrices: appendGeneral(conv, group, geometry, usesDots: false)
        }
    }

    /// A linear layer: one row per image. Its weights are reordered if it reads a flattened image.
    mutating func appendLinear(_ linear: Linear, _ group: FusedNode) {
        let source = node(group.root).inputs[0]
        let image = flattenedImage(source)
        let (n, k) = (linear.outFeatures, linear.inFeatures)
        let kernels = kernels
        let weight = weights.reserve(kernels.packedCount(n, k)) { packed in
            var matrix = try linear.weight.finiteFloats(name: linear.name + ".weight")
            if let image { matrix = matrix.reorderedToChannelsLast(rows: n, image: image) }
            kernels.pack(packed, matrix, n, k, .padded)
        }
        let bias = reserveBias(linear.bias, count: n, name: linear.name, batchNorm: nil)
        let (input, output) = (resolved(source), group.result)
        let step = { (slot: (Int) -> Slot) -> any Step in
            GemmStep(
                output: slot(output), input: slot(input), residual: nil, weight: weight, bias: bias,
                activation: group.activation, pixels: 1, n: n, k: k, packedCount: kernels.packedCount(n, k),
                lastPanel: .padded)
        }
        append(
            Draft(
                summary: summary(
                    group.root, operation: group.operation("linear"), input: node(source).shape, output: [n],
                    algorithm: "packed gemm",
                    reason: image == nil ? "a matrix product" : "flatten folded into the weights",
                    multiplyAdds: n * k, weightFloats: kernels.packedCount(n, k)),
                reads: [input], writes: [output], isRowwise: true, inPlace: nil, make: step))
    }

    private mutating func appendPointwise(_ conv: Conv2d, _ group: FusedNode, _ geometry: WindowGeometry) {
        let (n, k) = (conv.outChannels, conv.inChannels)
        let pixels = geometry.outputHeight * geometry.outputWidth
        // A single row's sums wait for each other: one chain for all columns is as good.
        let lastPanel = pixels >= kernels.tileRows ? kernels.lastPanel(n, k) : .padded
        let (weight, bias) = reserveMatrices(conv, group, lastPanel: lastPanel)
        let (input, output) = (resolved(node(group.root).inputs[0]), group.result)
        let residual = group.residual.map(resolved)
        let scale = scale(of: node(group.root).inputs[0])
        let packedCount = kernels.packedCount(n, k)
        let order = order
        if pixels > 1 { order.products.append(weight) }
        append(
            Draft(
                summary: summary(
                    conv, group, algorithm: scale == nil ? "packed gemm" : "packed gemm, scaled weights",
                    reason: "a 1x1 window is a matrix product"),
                reads: [input] + [residual, scale].compactMap(\.self), writes: [output], isRowwise: false, inPlace: nil,
                writesPixels: true, isPointwise: residual == nil && scale == nil,
                make: { slot in
                    GemmStep(
                        output: slot(output), input: slot(input), residual: residual.map(slot),
                        scale: scale.map(slot), weight: weight, bias: bias, activation: group.activation,
                        pixels: pixels, n: n, k: k, packedCount: packedCount, lastPanel: lastPanel,
                        following: pixels > 1 ? order.following(weight + packedCount) : 0..<0)
                }))
    }

    /// Each group is a product of matrices, or its outputs are dot products.
    private mutating func appendGeneral(
        _ conv: Conv2d, _ group: FusedNode, _ geometry: WindowGeometry, usesDots: Bool
    ) {
        let packedCount = usesDots ? dotsPackedCount(conv, geometry) : packedCountPerGroup(conv)
        let (weight, bias) =
            usesDots ? reserveDots(conv, group, geometry) : reserveMatrices(conv, group, lastPanel: .padded)
        let (input, output) = (resolved(node(group.root).inputs[0]), group.result)
        let residual = group.residual.map(resolved)
        let groups = conv.groups > 1 ? "\(conv.groups) groups, " : ""
        let rows = geometry.windowRowsInside
        let skipped = rows < geometry.outputHeight * geometry.kernelHeight ? ", no rows beyond the image" : ""
        append(
            Draft(
                summary: summary(
                    conv, group, algorithm: usesDots ? "dot products" : "implicit gemm",
                    reason: groups + (usesDots ? "few outputs, lanes along the depth" : "a matrix product of windows")
                        + skipped,
                    executedMultiplyAdds: rows * geometry.outputWidth * geometry.kernelWidth * conv.outChannels
                        * (conv.inChannels / conv.groups)),
                reads: [input] + (residual.map { [$0] } ?? []), writes: [output], isRowwise: false, inPlace: nil,
                writesPixels: true,
                make: { slot in
                    ConvolutionStep(
                        output: slot(output), input: slot(input), residual: residual.map(slot), weight: weight,
                        bias: bias, activation: group.activation, geometry: geometry, groups: conv.groups,
                        outChannels: conv.outChannels, packedCount: packedCount, usesDots: usesDots)
                }))
    }

    private mutating func appendWinograd(_ conv: Conv2d, _ group: FusedNode, _ geometry: WindowGeometry) {
        let (n, channels) = (conv.outChannels, conv.inChannels)
        let winograd = kernels.winograd
        let weight = weights.reserve(winograd.packedCount(n, channels)) { packed in
            let filters = try conv.foldedWeight(group.batchNorm)
                .reorderedToChannelsLast(rows: n, image: [channels, 9, 1])
            winograd.pack(packed, filters, n, channels)
        }
        let bias = reserveBias(conv.bias, count: n, name: conv.name, batchNorm: group.batchNorm)
        let (input, output) = (resolved(node(group.root).inputs[0]), group.result)
        let residual = group.residual.map(resolved)
        append(
            Draft(
                summary: summary(
                    conv, group, algorithm: "winograd 4x4", reason: "a quarter of the multiplications, many channels",
                    executedMultiplyAdds: geometry.winogradTileRows * geometry.winogradTileColumns * 36 * channels * n),
                reads: [input] + (residual.map { [$0] } ?? []), writes: [output], isRowwise: false, inPlace: nil,
                make: { slot in
                    WinogradStep(
                        output: slot(output), input: slot(input), residual: residual.map(slot), weight: weight,
                        bias: bias, activation: group.activation, geometry: geometry, outChannels: n,
                        scratchCount: winograd.scratchCount(geometry, n))
                }))
    }

    private mutating func appendDepthwise(_ conv: Conv2d, _ group: FusedNode, _ geometry: WindowGeometry) {
        let channels = conv.outChannels
        let taps = geometry.kernelHeight * geometry.kernelWidth
        let (source, output) = (node(group.root).inputs[0], group.result)
        let producer = takeProducer(of: source)
        let sums = reserveRowSums(of: output, rows: geometry.outputHeight, channels: channels)
        let reason = "one filter per channel, lanes along the channels"
        if producer == nil && sums == nil && !geometry.hasDepthwiseBlocks(panelWidth: kernels.panelWidth) {
            return appendChannelwise(conv, group, geometry, reason: reason)
        }
        let kernels = kernels
        let weight = weights.reserve(kernels.packedCount(channels, taps)) { packed in
            kernels.pack(packed, try conv.foldedWeight(group.batchNorm), channels, taps, .padded)
        }
        let bias = reserveBias(conv.bias, count: channels, name: conv.name, batchNorm: group.batchNorm)
        let input = resolved(source)
        let draft = Draft(
            summary: summary(
                conv, group, algorithm: sums == nil ? "depthwise" : "depthwise with row sums", reason: reason),
            reads: [input], writes: [output] + (sums.map { [$0] } ?? []), isRowwise: false, inPlace: nil,
            writesPixels: true,
            make: { slot in
                DepthwiseStep(
                    output: slot(output), rowSums: sums.map(slot), input: slot(input), weight: weight, bias: bias,
                    activation: group.activation, geometry: geometry)
            })
        append(producer.map { strips($0, draft, pixels: geometry.inputHeight * geometry.inputWidth) } ?? draft)
    }

    /// Lanes along the output channels, each with inputs of its own.
    private mutating func appendChannelwise(
        _ conv: Conv2d, _ group: FusedNode, _ geometry: WindowGeometry, reason: String
    ) {
        let channels = conv.outChannels
        let inputs = conv.inChannels / conv.groups
        let taps = geometry.kernelHeight * geometry.kernelWidth
        let fold = geometry.strideWidth == 1 && conv.isDepthwise ? kernels.pixelsToFillVectors(channels: channels) : 1
        let kernels = kernels
        let weight = weights.reserve(kernels.packedCount(channels * fold, taps * inputs)) { packed in
            let filters = try conv.foldedWeight(group.batchNorm)
                .reorderedToChannelsLast(rows: channels, image: [inputs, taps, 1])
            kernels.pack(
                packed, Array([[Float]](repeating: filters, count: fold).joined()), channels * fold, taps * inputs,
                .padded)
        }
        let bias = reserveBias(
            conv.bias, count: channels, name: conv.name, batchNorm: group.batchNorm, copies: fold)
        let (input, output) = (resolved(node(group.root).inputs[0]), group.result)
        let residual = group.residual.map(resolved)
        append(
            Draft(
                summary: summary(conv, group, algorithm: "channelwise", reason: reason),
                reads: [input] + (residual.map { [$0] } ?? []), writes: [output], isRowwise: false, inPlace: nil,
                writesPixels: true,
                make: { slot in
                    ChannelwiseStep(
                        output: slot(output), input: slot(input), residual: residual.map(slot), weight: weight,
                        bias: bias, activation: group.activation, geometry: geometry, groups: conv.groups,
                        outChannels: channels, fold: fold)
                }))
    }

    /// The step before, if it writes an image that nothing but the step to come reads.
    private mutating func takeProducer(of source: Int) -> Draft? {
        guard source != result, consumers[source].count == 1, let draft = drafts.last, draft.writesPixels,
            draft.writes == [source]
        else { return nil }
        let pixels = node(source).shape[1] * node(source).shape[2]
        let fitsChannels = draft.isPointwise && ChannelStripsStep.suits(pixels: pixels)
        guard fitsChannels || count(of: source) >= Self.largeImage else { return nil }
        return removeLastDraft()
    }

    /// Floats of an image that does not stay in an L2 cache of 1 MB.
    private static let largeImage = 262_144

    /// One step of two: what the first writes, the second reads while it lies in a cache.
    private func strips(_ producer: Draft, _ consumer: Draft, pixels: Int) -> Draft {
        let hidden = producer.writes[0]
        let byChannels = producer.isPointwise && ChannelStripsStep.suits(pixels: pixels)
        let panelWidth = kernels.panelWidth
        let (first, second) = (producer.summary, consumer.summary)
        return Draft(
            summary: StepSummary(
                name: "\(first.name), \(second.name)", operation: "\(first.operation); \(second.operation)",
                inputShape: first.inputShape, outputShape: second.outputShape,
                algorithm: "\(byChannels ? "channels" : "rows") of \(first.algorithm), \(second.algorithm)",
                reason: "the image between stays in \(byChannels ? "L1" : "L2")",
                multiplyAdds: first.multiplyAdds + second.multiplyAdds,
                executedMultiplyAdds: first.executedMultiplyAdds + second.executedMultiplyAdds,
                weightBytes: first.weightBytes + second.weightBytes),
            reads: producer.reads, writes: consumer.writes, isRowwise: false, inPlace: nil,
            make: { slot in
                // The image between has no place.
                let places = { $0 == hidden ? Slot(region: .image, offset: 0, count: 0) : slot($0) }
                let steps = (producer.make(places), consumer.make(places))
                if byChannels, let first = steps.0 as? GemmStep, let second = steps.1 as? DepthwiseStep {
                    return ChannelStripsStep(producer: first, consumer: second, panelWidth: panelWidth)
                }
                guard let first = steps.0 as? any PixelStep, let second = steps.1 as? DepthwiseStep else {
                    preconditionFailure("steps of another kind than their drafts say")
                }
                return RowStripsStep(producer: first, consumer: second)
            })
    }

    // MARK: Weights

    /// Packs the filters of each group as a matrix [outputs, height * width * inputs].
    mutating func reserveMatrices(
        _ conv: Conv2d, _ group: FusedNode, lastPanel: LastPanel
    ) -> (weight: Int, bias: Int?) {
        let kernels = kernels
        let packedCount = packedCountPerGroup(conv)
        let outputs = conv.outChannels / conv.groups
        let inputs = conv.inChannels / conv.groups
        let taps = conv.window.kernelSize.height * conv.window.kernelSize.width
        let weight = weights.reserve(packedCount * conv.groups) { packed in
            let filters = try conv.foldedWeight(group.batchNorm)
                .reorderedToChannelsLast(rows: conv.outChannels, image: [inputs, taps, 1])
            filters.withUnsafeBufferPointer { filters in
                guard let base = filters.baseAddress else { return }
                for group in 0..<conv.groups {
                    kernels.pack(
                        packed + group * packedCount, base + group * outputs * inputs * taps, outputs, inputs * taps,
                        lastPanel)
                }
            }
        }
        return (weight, reserveBias(conv.bias, count: conv.outChannels, name: conv.name, batchNorm: group.batchNorm))
    }

    /// Packs the filters of each group for products with lanes along the depth.
    private mutating func reserveDots(
        _ conv: Conv2d, _ group: FusedNode, _ geometry: WindowGeometry
    ) -> (weight: Int, bias: Int?) {
        let kernels = kernels
        let packedCount = dotsPackedCount(conv, geometry)
        let (outputs, inputs) = (conv.outChannels / conv.groups, conv.inChannels / conv.groups)
        let taps = geometry.kernelHeight * geometry.kernelWidth
        let runs = geometry.windowRuns(groups: conv.groups)
        let weight = weights.reserve(packedCount * conv.groups) { packed in
            let filters = try conv.foldedWeight(group.batchNorm)
                .reorderedToChannelsLast(rows: conv.outChannels, image: [inputs, taps, 1])
            filters.withUnsafeBufferPointer { filters in
                guard let base = filters.baseAddress else { return }
                for group in 0..<conv.groups {
                    kernels.dots.pack(
                        packed + group * packedCount, base + group * outputs * inputs * taps, outputs,
                        geometry.kernelHeight * runs.count, runs.length)
                }
            }
        }
        return (weight, reserveBias(conv.bias, count: conv.outChannels, name: conv.name, batchNorm: group.batchNorm))
    }

    private func dotsPackedCount(_ conv: Conv2d, _ geometry: WindowGeometry) -> Int {
        let runs = geometry.windowRuns(groups: conv.groups)
        return kernels.dots.packedCount(
            conv.outChannels / conv.groups, geometry.kernelHeight * runs.count, runs.length)
    }

    func packedCountPerGroup(_ conv: Conv2d) -> Int {
        let taps = conv.window.kernelSize.height * conv.window.kernelSize.width
        return kernels.packedCount(conv.outChannels / conv.groups, conv.inChannels / conv.groups * taps)
    }

    /// - Parameter copies: How often the biases are written, one time behind the other.
    mutating func reserveBias(
        _ bias: Tensor?, count: Int, name: String, batchNorm: BatchNorm2d?, copies: Int = 1
    ) -> Int? {
        guard bias != nil || batchNorm != nil else { return nil }
        return weights.reserve(count * copies) { output in
            let values = try bias?.finiteFloats(name: name + ".bias") ?? [Float](repeating: 0, count: count)
            let affine = try batchNorm?.scaleAndShift()
            for index in 0..<count {
                let value = Double(values[index])
                let folded = Float(affine.map { value * $0.scale[index] + $0.shift[index] } ?? value)
                for copy in 0..<copies { output[copy * count + index] = folded }
            }
        }
    }

    /// The image that a vector was flattened from, if its order differs from the vector's.
    private func flattenedImage(_ vector: Int) -> Shape? {
        guard case .flatten = node(vector).operation, resolved(vector) != vector else { return nil }
        let shape = node(node(vector).inputs[0]).shape
        return shape.isOrderedAlike ? nil : shape
    }

    func summary(
        _ conv: Conv2d, _ group: FusedNode, algorithm: String, reason: String, executedMultiplyAdds: Int? = nil
    ) -> StepSummary {
        let output = node(group.root).shape
        let size = conv.window.kernelSize
        let filter = conv.inChannels / conv.groups * size.height * size.width
        return summary(
            group.root, operation: group.operation("conv2d \(size.height)x\(size.width)"),
            input: node(node(group.root).inputs[0]).shape, output: output, algorithm: algorithm, reason: reason,
            multiplyAdds: output.elementCount * filter, executedMultiplyAdds: executedMultiplyAdds,
            weightFloats: conv.outChannels * filter)
    }
}

extension Conv2d {
    /// The filters, each multiplied by its channel's scale if a batch norm follows.
    func foldedWeight(_ batchNorm: BatchNorm2d?) throws -> [Float] {
        var values = try weight.finiteFloats(name: name + ".weight")
        guard let scale = try batchNorm?.scaleAndShift().scale else { return values }
        let filter = values.count / outChannels
        for index in values.indices { values[index] = Float(Double(values[index]) * scale[index / filter]) }
        return values
    }
}

extension KernelTable {
    /// Pixels whose channels together fill whole vectors, or 1 if a pixel's nearly do.
    fileprivate func pixelsToFillVectors(channels: Int) -> Int {
        let padded = (channels + panelWidth - 1) / panelWidth * panelWidth
        guard channels * 8 < padded * 7 else { return 1 }
        var pixels = 1
        while channels * pixels % panelWidth != 0 { pixels *= 2 }
        return pixels
    }
}

extension WindowGeometry {
    /// Whether the depthwise kernel has blocks unrolled for this window.
    func hasDepthwiseBlocks(panelWidth: Int) -> Bool {
        dilationWidth == 1 && [3, 5, 7].contains(kernelWidth) && strideWidth <= 2 && channels >= panelWidth
    }

    /// Whether each output pixel is made of the input pixel at the same place alone.
    var isPointwise: Bool {
        kernelHeight == 1 && kernelWidth == 1 && inputHeight == outputHeight && inputWidth == outputWidth
            && padTop == 0 && padLeft == 0 && strideHeight == 1 && strideWidth == 1
    }
}

extension [Float] {
    /// Turns each row from channels-first to channels-last.
    ///
    /// - Parameters:
    ///   - image: The shape [C, H, W] that each row has.
    fileprivate func reorderedToChannelsLast(rows: Int, image: Shape) -> [Float] {
        let (channels, pixels) = (image[0], image[1] * image[2])
        guard channels > 1, pixels > 1 else { return self }
        return [Float](unsafeUninitializedCapacity: count) { output, initialized in
            for row in 0..<rows {
                let base = row * channels * pixels
                for channel in 0..<channels {
                    for pixel in 0..<pixels {
                        output[base + pixel * channels + channel] = self[base + channel * pixels + pixel]
                    }
                }
            }
            initialized = count
        }
    }
}
