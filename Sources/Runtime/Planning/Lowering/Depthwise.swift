// SPDX-License-Identifier: MIT

import Kernels

/// One filter per channel, lanes along the channels, a few pixels at a time.
enum Depthwise: ConvolutionAlgorithm {
    static let name = "depthwise"
    static let sumsRows = true

    static func suits(_ problem: ConvolutionProblem, _ machine: Machine) -> Bool {
        problem.isDepthwise && !problem.op.hasResidual
    }

    /// Windows that the kernel has no unrolled blocks for take three times as long.
    static func cost(_ problem: ConvolutionProblem, _ machine: Machine) -> Double {
        let product = Double(machine.vectors(problem.outChannels) * problem.taps * problem.outputPixels)
        return problem.geometry.hasDepthwiseBlocks(panelWidth: machine.lanes) ? product * 0.9 : product * 3
    }

    /// As for `Channelwise`, a pixel at a time.
    static func packings(_ problem: ConvolutionProblem, _ kernels: KernelTable) -> [Packing] {
        [problem.packing("panels of all channels, 1 times")]
    }

    static func lower(_ problem: ConvolutionProblem, _ planner: inout Planner) {
        let kernels = planner.kernels
        let (channels, taps, geometry) = (problem.outChannels, problem.taps, problem.geometry)
        let (input, output) = (planner.resolved(problem.operands.x), problem.node.outputs[0].index)
        let producer = planner.takeProducer(of: problem.operands.x)
        let sums = problem.op.hasRowSums ? problem.node.outputs[1].index : nil
        let source = problem.weights
        let weight = planner.weights.reserve(
            kernels.gemm.packedCount(channels, taps), of: Float.self, from: source.constants,
            packing: packings(problem, kernels)[0],
            writes: source.filters(taps: taps, kernels).packs(lastPanel: .padded))
        let bias = planner.reserveBias(problem)
        let draft = Draft(
            summary: planner.summary(
                problem, algorithm: sums == nil ? name : "depthwise with row sums",
                reason: "one filter per channel, lanes along the channels"),
            reads: [input], writes: [output] + (sums.map { [$0] } ?? []), writesPixels: true,
            make: { slot in
                DepthwiseStep(
                    output: slot(output), rowSums: sums.map(slot), input: slot(input), weight: weight,
                    epilogue: StepEpilogue(bias: bias, activation: problem.op.activation), geometry: geometry)
            })
        planner.append(
            producer.map { planner.strips($0, draft, pixels: geometry.inputHeight * geometry.inputWidth) } ?? draft)
    }
}

extension WindowGeometry {
    /// Whether the depthwise kernel has blocks unrolled for this window.
    func hasDepthwiseBlocks(panelWidth: Int) -> Bool {
        dilationWidth == 1 && [3, 5, 7].contains(kernelWidth) && strideWidth <= 2 && channels >= panelWidth
    }

    /// Whether each output pixel is made only of the input pixel at the same place.
    var isPointwise: Bool {
        kernelHeight == 1 && kernelWidth == 1 && inputHeight == outputHeight && inputWidth == outputWidth
            && padTop == 0 && padLeft == 0 && strideHeight == 1 && strideWidth == 1
    }
}
