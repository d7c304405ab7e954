// SPDX-License-Identifier: MIT

import Kernels
import Operators

/// A 1x1 convolution is a product of the image's pixels with one packed matrix.
enum PackedGemm: ConvolutionAlgorithm {
    static let name = "packed gemm"

    static func suits(_ problem: ConvolutionProblem, _ machine: Machine) -> Bool {
        problem.groups == 1 && problem.geometry.isPointwise
    }

    static func cost(_ problem: ConvolutionProblem, _ machine: Machine) -> Double {
        Double(machine.vectors(problem.outChannels) * problem.inChannels * problem.outputPixels)
    }

    static func lower(_ problem: ConvolutionProblem, _ planner: inout Planner) {
        let kernels = planner.kernels
        let (n, k) = (problem.outChannels, problem.inChannels)
        let pixels = problem.outputPixels
        // A single row's sums wait for each other: one chain for all columns is as good.
        let lastPanel = pixels >= kernels.tileRows ? kernels.lastPanel(n, k) : .padded
        let (weight, bias) = planner.reserveMatrices(problem, lastPanel: lastPanel)
        let (input, output) = (planner.resolved(problem.operands.x), problem.node.outputs[0].index)
        let residual = problem.operands.residual.map { planner.resolved($0) }
        let scale = problem.operands.scale.map { planner.resolved($0) }
        let packedCount = kernels.packedCount(n, k)
        let order = planner.order
        if pixels > 1 { order.products.append(weight) }
        planner.append(
            Draft(
                summary: planner.summary(
                    problem, algorithm: scale == nil ? name : "packed gemm, scaled weights",
                    reason: "a 1x1 window is a matrix product"),
                reads: [input] + [residual, scale].compactMap(\.self), writes: [output], writesPixels: true,
                stripChannels: residual == nil && scale == nil
                    ? ChannelStripsStep.packedChannels(pixels: pixels, panelWidth: kernels.panelWidth) : nil,
                make: { slot in
                    GemmStep(
                        output: slot(output), input: slot(input), residual: residual.map(slot),
                        scale: scale.map(slot), weight: weight, bias: bias, activation: problem.op.activation,
                        pixels: pixels, n: n, k: k, packedCount: packedCount, lastPanel: lastPanel,
                        following: pixels > 1 ? order.following(weight + packedCount) : 0..<0)
                }))
    }
}

extension Planner {
    /// Packs the filters of each group as a matrix [outputs, height * width * inputs].
    mutating func reserveMatrices(
        _ problem: ConvolutionProblem, lastPanel: LastPanel
    ) -> (weight: Int, bias: Int?) {
        let kernels = kernels
        let (outputs, inputs, taps) = (problem.outputsOfGroup, problem.inputsOfGroup, problem.taps)
        let packedCount = kernels.packedCount(outputs, inputs * taps)
        let (source, groups) = (problem.weights, problem.groups)
        let weight = weights.reserve(packedCount * groups) { packed in
            try source.filters(taps: taps).pack(packed, kernels, groups: groups, lastPanel: lastPanel)
        }
        return (weight, reserveBias(problem))
    }
}

extension MatrixSource {
    /// Packs the rows, each group's as a matrix of its own.
    ///
    /// - Throws: `TensorError.notFinite`.
    func pack(_ packed: Output, _ kernels: KernelTable, groups: Int = 1, lastPanel: LastPanel) throws {
        let outputs = rows / groups
        for group in 0..<groups {
            let (first, matrix) = (group * outputs, packed + group * kernels.packedCount(outputs, depth))
            try forEachBlock(of: first..<(first + outputs), multiple: kernels.panelWidth) { block, values in
                kernels.pack(matrix + (block.lowerBound - first) * depth, values, block.count, depth, lastPanel)
            }
        }
    }
}
