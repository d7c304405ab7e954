// SPDX-License-Identifier: MIT

import Kernels

/// Lanes along the output channels, each with inputs of its own: depthwise with any window, and groups of few channels.
enum Channelwise: ConvolutionAlgorithm {
    static let name = "channelwise"

    /// The inputs of a vector of outputs must lie within two vectors.
    static func suits(_ problem: ConvolutionProblem, _ machine: Machine) -> Bool {
        guard problem.groups > 1 else { return false }
        let outputs = problem.outputsOfGroup
        let groupsOfVector = stride(from: 0, to: problem.outChannels, by: machine.lanes).map { first in
            (min(first + machine.lanes, problem.outChannels) - 1) / outputs - first / outputs + 1
        }
        return (groupsOfVector.max() ?? 0) * problem.inputsOfGroup <= 2 * machine.lanes
    }

    /// A pick takes as long as a multiply-add; without the instruction, it is a load for each lane.
    static func cost(_ problem: ConvolutionProblem, _ machine: Machine) -> Double {
        let pickAndMultiply = problem.isDepthwise ? 1 : machine.lanes > 4 ? 2 : 1 + machine.lanes
        let depth = problem.taps * problem.inputsOfGroup
        return Double(pickAndMultiply * machine.vectors(problem.outChannels) * depth * problem.outputPixels)
    }

    static func packings(_ problem: ConvolutionProblem, _ kernels: KernelTable) -> [Packing] {
        [problem.packing("panels of all channels, \(fold(problem, kernels)) times")]
    }

    /// Pixels that are taken for one of so many times the channels.
    private static func fold(_ problem: ConvolutionProblem, _ kernels: KernelTable) -> Int {
        let canFold = problem.geometry.strideWidth == 1 && problem.isDepthwise
        return canFold ? pixelsToFillVectors(problem.outChannels, kernels) : 1
    }

    static func lower(_ problem: ConvolutionProblem, _ planner: inout Planner) {
        let kernels = planner.kernels
        let (channels, inputs, taps, geometry) = (
            problem.outChannels, problem.inputsOfGroup, problem.taps, problem.geometry
        )
        let fold = fold(problem, kernels)
        let source = problem.weights
        let weight = planner.weights.reserve(
            kernels.gemm.packedCount(channels * fold, taps * inputs), from: source.constants,
            packing: packings(problem, kernels)[0]
        ) { packed in
            let filters = try source.filters(taps: taps, kernels).floats()
            kernels.gemm.pack(
                packed, Array([[Float]](repeating: filters, count: fold).joined()), channels * fold, taps * inputs,
                .padded)
        }
        let bias = planner.reserveBias(problem, copies: fold)
        let (input, output) = (planner.resolved(problem.operands.x), problem.node.outputs[0].index)
        let residual = problem.operands.residual.map { planner.resolved($0) }
        let reason =
            problem.isDepthwise
            ? "one filter per channel, lanes along the channels"
            : "\(problem.groups) groups of few outputs share vectors"
        planner.append(
            Draft(
                summary: planner.summary(problem, algorithm: name, reason: reason),
                reads: [input] + [residual].compactMap(\.self), writes: [output], writesPixels: true,
                make: { slot in
                    ChannelwiseStep(
                        output: slot(output), input: slot(input), weight: weight,
                        epilogue: StepEpilogue(
                            bias: bias, residual: residual.map(slot), activation: problem.op.activation),
                        geometry: geometry, groups: problem.groups, outChannels: channels, fold: fold)
                }))
    }

    /// Pixels whose channels together fill whole vectors, or 1 if a pixel's nearly do.
    private static func pixelsToFillVectors(_ channels: Int, _ kernels: KernelTable) -> Int {
        let lanes = kernels.panelWidth
        let padded = (channels + lanes - 1) / lanes * lanes
        guard channels * 8 < padded * 7 else { return 1 }
        var pixels = 1
        while channels * pixels % lanes != 0 { pixels *= 2 }
        return pixels
    }
}
