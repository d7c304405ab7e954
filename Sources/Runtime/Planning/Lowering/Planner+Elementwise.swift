// SPDX-License-Identifier: MIT

import Graphs
import Kernels
import Operators
import Tensors

extension Planner {
    /// A batch norm that no convolution could do.
    mutating func lowerBatchNorm(_ norm: FusedBatchNormalization, _ node: Graph.Node) {
        let channels = shape(node.inputs[1]).elementCount
        let constants = node.inputs.dropFirst().compactMap { id in graph.constant(id).map { (graph[id].name, $0) } }
        let folded = FoldedBatchNorm(epsilon: norm.normalization.epsilon, constants: constants)
        let tensors = constants.map(\.1)
        let epsilon = norm.normalization.epsilon
        let scale = weights.reserve(channels, from: tensors, packing: Packing("scale with \(epsilon)")) { output in
            let values = try folded.scaleAndShift().scale
            for (index, value) in values.enumerated() { output[index] = Float(value) }
        }
        let shift = weights.reserve(channels, from: tensors, packing: Packing("shift with \(epsilon)")) { output in
            let values = try folded.scaleAndShift().shift
            for (index, value) in values.enumerated() { output[index] = Float(value) }
        }
        let (input, output) = (resolved(node.inputs[0]), node.outputs[0].index)
        append(
            Draft(
                summary: summary(
                    node, operation: "batch_norm" + (norm.activation == .none ? "" : " + \(norm.activation)"),
                    algorithm: "scale and shift", reason: "no convolution before it that only it reads",
                    weightFloats: 2 * channels),
                reads: [input], writes: [output], inPlace: input,
                make: { slot in
                    AffineStep(
                        output: slot(output), input: slot(input), scale: scale, shift: shift,
                        activation: norm.activation, channels: channels)
                }))
    }

    /// Functions of one or two elements: by kernels where they have them.
    mutating func lowerElementwise(_ node: Graph.Node) {
        let isFloat = node.inputs.allSatisfy { fact($0).elementType == .float32 }
        switch node.op {
        case let unary as Unary where isFloat:
            guard let activation = Activation(unary.function) else { return lowerUnary(unary.function, node) }
            appendElementwise(node, operation: unary.name.lowercased()) { output, inputs in
                ActivationStep(output: output, input: inputs[0], activation: activation)
            }
        case let add as FusedAdd where isFloat:
            let fused = add.activation == .none ? "" : " + \(add.activation)"
            appendElementwise(node, operation: "add" + fused) { output, inputs in
                AddStep(output: output, left: inputs[0], right: inputs[1], activation: add.activation)
            }
        case let binary as Binary where isFloat && binary.function == .mul && scalesChannels(node):
            let channels = shape(node.inputs[0])[1]
            appendElementwise(node, operation: "scale") { output, inputs in
                ScaleChannelsStep(output: output, input: inputs[0], scale: inputs[1], channels: channels)
            }
        case let binary as Binary where isFloat:
            lowerBinary(binary, node)
        default:
            lowerByReference(node)
        }
    }

    /// Whether the right side has one number for each channel of the left one, an image in NHWC.
    private func scalesChannels(_ node: Graph.Node) -> Bool {
        let (image, factors) = (fact(node.inputs[0]), fact(node.inputs[1]))
        return image.shape.rank == 4 && image.constant == nil && factors.constant == nil
            && image.order == .channelsLast(rank: 4)
            && factors.shape == [image.shape[0], image.shape[1], 1, 1] && image.shape[0] == 1
    }

    private mutating func appendElementwise(
        _ node: Graph.Node, operation: String, make: @escaping (Slot, [Slot]) -> any Step
    ) {
        let inputs = node.inputs.map { resolved($0) }
        let output = node.outputs[0].index
        append(
            Draft(
                summary: summary(
                    node, operation: operation, algorithm: "elementwise",
                    reason: "no kernel before it could do it"),
                reads: inputs, writes: [output], isRowwise: fact(node.outputs[0]).isRow, inPlace: inputs[0],
                make: { slot in make(slot(output), inputs.map(slot)) }))
    }

    mutating func lowerSoftmax(_ node: Graph.Node) {
        guard let softmax = node.op as? Softmax, fact(node.inputs[0]).elementType == .float32 else {
            return lowerByReference(node)
        }
        let columns = shape(node.inputs[0])[softmax.axis]
        let (input, output) = (resolved(node.inputs[0]), node.outputs[0].index)
        append(
            Draft(
                summary: summary(
                    node, operation: softmax.isLogarithm ? "log_softmax" : "softmax", algorithm: "rows",
                    reason: "the axis is contiguous"),
                reads: [input], writes: [output], isRowwise: fact(node.outputs[0]).isRow, inPlace: input,
                make: { slot in
                    SoftmaxStep(
                        output: slot(output), input: slot(input), columns: columns, isLogarithm: softmax.isLogarithm)
                }))
    }
}
