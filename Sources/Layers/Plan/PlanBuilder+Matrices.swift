// SPDX-License-Identifier: MIT

import Kernels
import Tensors

extension PlanBuilder {
    /// Chooses how to do a convolution.
    mutating func appendConvolution(_ conv: Conv2d, _ group: FusedNode) {
        let source = node(group.root).inputs[0]
        let geometry = conv.window.geometry(over: node(source).shape)
        if conv.isDepthwise && conv.groups > 1 {
            appendDepthwise(conv, group, geometry)
        } else if conv.groups == 1 && geometry.isPointwise {
            appendPointwise(conv, group, geometry)
        } else if conv.groups == 1 && geometry.favoursWinograd(outChannels: conv.outChannels) {
            appendWinograd(conv, group, geometry)
        } else {
            appendGeneral(conv, group, geometry)
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
                        pixels: pixels, n: n, k: k, packedCount: packedCount, lastPanel: lastPanel)
                }))
    }

    private mutating func appendGeneral(_ conv: Conv2d, _ group: FusedNode, _ geometry: WindowGeometry) {
        let (weight, bias) = reserveMatrices(conv, group, lastPanel: .padded)
        let (input, output) = (resolved(node(group.root).inputs[0]), group.result)
        let residual = group.residual.map(resolved)
        let packedCount = packedCountPerGroup(conv)
        append(
            Draft(
                summary: summary(
                    conv, group, algorithm: "implicit gemm",
                    reason: conv.groups > 1 ? "\(conv.groups) groups, each a matrix product" : "the general way"),
                reads: [input] + (residual.map { [$0] } ?? []), writes: [output], isRowwise: false, inPlace: nil,
                writesPixels: true,
                make: { slot in
                    ConvolutionStep(
                        output: slot(output), input: slot(input), residual: residual.map(slot), weight: weight,
                        bias: bias, activation: group.activation, geometry: geometry, groups: conv.groups,
                        outChannels: conv.outChannels, packedCount: packedCount)
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
        let kernels = kernels
        let weight = weights.reserve(kernels.packedCount(channels, taps)) { packed in
            kernels.pack(packed, try conv.foldedWeight(group.batchNorm), channels, taps, .padded)
        }
        let bias = reserveBias(conv.bias, count: channels, name: conv.name, batchNorm: group.batchNorm)
        let (input, output) = (resolved(node(group.root).inputs[0]), group.result)
        let sums = reserveRowSums(of: output, rows: geometry.outputHeight, channels: channels)
        var draft = Draft(
            summary: summary(
                conv, group, algorithm: sums == nil ? "depthwise" : "depthwise with row sums",
                reason: "one filter per channel, lanes along the channels"),
            reads: [input], writes: [output] + (sums.map { [$0] } ?? []), isRowwise: false, inPlace: nil,
            make: { slot in
                DepthwiseStep(
                    output: slot(output), rowSums: sums.map(slot), input: slot(input), weight: weight, bias: bias,
                    activation: group.activation, geometry: geometry)
            })
        if let producer = takeProducer(of: node(group.root).inputs[0]) {
            draft = strips(producer, draft, pixels: geometry.inputHeight * geometry.inputWidth)
        }
        append(draft)
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
    private mutating func reserveMatrices(
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

    private func packedCountPerGroup(_ conv: Conv2d) -> Int {
        let taps = conv.window.kernelSize.height * conv.window.kernelSize.width
        return kernels.packedCount(conv.outChannels / conv.groups, conv.inChannels / conv.groups * taps)
    }

    private mutating func reserveBias(_ bias: Tensor?, count: Int, name: String, batchNorm: BatchNorm2d?) -> Int? {
        guard bias != nil || batchNorm != nil else { return nil }
        return weights.reserve(count) { output in
            let values = try bias?.finiteFloats(name: name + ".bias") ?? [Float](repeating: 0, count: count)
            let affine = try batchNorm?.scaleAndShift()
            for index in 0..<count {
                let value = Double(values[index])
                output[index] = Float(affine.map { value * $0.scale[index] + $0.shift[index] } ?? value)
            }
        }
    }

    /// The image that a vector was flattened from, if its order differs from the vector's.
    private func flattenedImage(_ vector: Int) -> Shape? {
        guard case .flatten = node(vector).operation, resolved(vector) != vector else { return nil }
        let shape = node(node(vector).inputs[0]).shape
        return shape.isOrderedAlike ? nil : shape
    }

    private func summary(
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
    fileprivate func foldedWeight(_ batchNorm: BatchNorm2d?) throws -> [Float] {
        var values = try weight.finiteFloats(name: name + ".weight")
        guard let scale = try batchNorm?.scaleAndShift().scale else { return values }
        let filter = values.count / outChannels
        for index in values.indices { values[index] = Float(Double(values[index]) * scale[index / filter]) }
        return values
    }
}

extension WindowGeometry {
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
