// SPDX-License-Identifier: MIT

import Kernels
import Tensors

extension PlanBuilder {
    /// A batch norm that no convolution could take along.
    mutating func appendBatchNorm(_ norm: BatchNorm2d, _ group: FusedNode) {
        let channels = norm.channels
        let scale = weights.reserve(channels) { output in
            for (index, value) in try norm.scaleAndShift().scale.enumerated() { output[index] = Float(value) }
        }
        let shift = weights.reserve(channels) { output in
            for (index, value) in try norm.scaleAndShift().shift.enumerated() { output[index] = Float(value) }
        }
        let (input, output) = (resolved(node(group.root).inputs[0]), group.result)
        let shape = node(group.root).shape
        append(
            Draft(
                summary: summary(
                    group.root, operation: group.operation("batch_norm"), input: shape, output: shape,
                    algorithm: "scale and shift", reason: "no convolution alone before it", weightFloats: 2 * channels),
                reads: [input], writes: [output], isRowwise: false, inPlace: input,
                make: { slot in
                    AffineStep(
                        output: slot(output), input: slot(input), scale: scale, shift: shift,
                        activation: group.activation, channels: channels)
                }))
    }

    /// Pooling; a global mean is taken from row sums if the step before wrote them.
    mutating func appendPooling(_ group: FusedNode) {
        let source = node(group.root).inputs[0]
        let (input, output) = (resolved(source), group.result)
        let (inputShape, outputShape) = (node(source).shape, node(group.root).shape)
        var (algorithm, reason) = ("windows", "a window at a time")
        var reads = [input]
        let make: ((Int) -> Slot) -> any Step
        switch node(group.root).operation {
        case .maxPool2d(let window):
            let geometry = window.geometry(over: inputShape)
            make = { slot in MaxPoolStep(output: slot(output), input: slot(input), geometry: geometry) }
        case .avgPool2d(let window, let countIncludePad):
            let geometry = window.geometry(over: inputShape)
            make = { slot in
                AvgPoolStep(
                    output: slot(output), input: slot(input), geometry: geometry, countIncludePad: countIncludePad)
            }
        default:
            if outputShape.elementCount == outputShape[0] {
                let pixels = inputShape[1] * inputShape[2]
                let sums = rowSums(of: input)
                (algorithm, reason) =
                    sums == nil
                    ? ("mean of pixels", "one window, the whole image") : ("mean of row sums", "summed as written")
                reads = [sums ?? input]
                make = { slot in
                    MeanStep(
                        output: slot(output), input: slot(sums ?? input), rows: sums == nil ? pixels : inputShape[1],
                        channels: inputShape[0], pixels: pixels)
                }
            } else {
                let geometry = WindowGeometry(
                    channels: inputShape[0], inputHeight: inputShape[1], inputWidth: inputShape[2],
                    outputHeight: outputShape[1], outputWidth: outputShape[2], kernelHeight: 1, kernelWidth: 1)
                make = { slot in AdaptiveAvgPoolStep(output: slot(output), input: slot(input), geometry: geometry) }
            }
        }
        append(
            Draft(
                summary: summary(
                    group.root, operation: node(group.root).name, input: inputShape, output: outputShape,
                    algorithm: algorithm, reason: reason),
                reads: reads, writes: [output], isRowwise: false, inPlace: nil, make: make))
    }

    /// What works on one element, or one row, at a time.
    mutating func appendElementwise(_ group: FusedNode) {
        let inputs = node(group.root).inputs
        let first = resolved(inputs[0])
        let second = inputs.count > 1 ? resolved(inputs[1]) : first
        let output = group.result
        let shape = node(group.root).shape
        let activation = group.activation
        let make: ((Int) -> Slot) -> any Step
        var name = node(group.root).name
        switch node(group.root).operation {
        case .add:
            make = { slot in
                AddStep(output: slot(output), left: slot(first), right: slot(second), activation: activation)
            }
            name = group.operation(name)
        case .scaleChannels:
            if deferScale(of: group, input: first, factors: second) { return }
            make = { slot in
                ScaleChannelsStep(output: slot(output), input: slot(first), scale: slot(second), channels: shape[0])
            }
        case .softmax(let isLogarithm):
            make = { slot in SoftmaxStep(output: slot(output), input: slot(first), isLogarithm: isLogarithm) }
        case .activation(let activation):
            make = { slot in ActivationStep(output: slot(output), input: slot(first), activation: activation) }
        default:
            preconditionFailure("\(name) is not an operation on elements")
        }
        append(
            Draft(
                summary: summary(
                    group.root, operation: name, input: shape, output: shape, algorithm: "elementwise",
                    reason: "no kernel before it could take it along"),
                reads: inputs.count > 1 ? [first, second] : [first], writes: [output], isRowwise: shape.rank == 1,
                inPlace: first, make: make))
    }
}
