// SPDX-License-Identifier: MIT

import Kernels

/// A 1x1 convolution is a product of the image's pixels with one matrix, which OpenBLAS does.
enum LibraryGemm: ConvolutionAlgorithm {
    static let name = "openblas gemm"
    static let scalesInput = true
    static let usesLibrary = true

    /// One pixel stays with the packed kernel: OpenBLAS would copy all weights for it.
    static func suits(_ problem: ConvolutionProblem, _ machine: Machine) -> Bool {
        machine.products.library != nil && problem.groups == 1 && problem.geometry.isPointwise
            && problem.outputPixels > 1
    }

    static func cost(_ problem: ConvolutionProblem, _ machine: Machine) -> Double {
        let blocks = ProductBlocks(rows: problem.outputPixels, columns: problem.outChannels, depth: problem.inChannels)
        return LibraryCosts.product(
            m: problem.outputPixels, n: problem.outChannels, k: problem.inChannels, calls: blocks.rowBlocks)
    }

    static func packings(_ problem: ConvolutionProblem, _ kernels: KernelTable) -> [Packing] { [problem.rowsPacking] }

    static func lower(_ problem: ConvolutionProblem, _ planner: inout Planner) {
        guard let library = planner.machine.products.library else { preconditionFailure("OpenBLAS was never opened") }
        let (weight, bias) = planner.reserveLibraryMatrices(problem)
        let (input, output) = (planner.resolved(problem.operands.x), problem.node.outputs[0].index)
        let residual = problem.operands.residual.map { planner.resolved($0) }
        let scale = problem.operands.scale.map { planner.resolved($0) }
        let (pixels, linePixels) = (problem.outputPixels, problem.geometry.outputWidth)
        let (n, k) = (problem.outChannels, problem.inChannels)
        planner.append(
            Draft(
                summary: planner.summary(
                    problem, algorithm: scale == nil ? name : "openblas gemm, scaled weights",
                    reason: "a 1x1 window is a matrix product"),
                reads: [input] + [residual, scale].compactMap(\.self), writes: [output], writesPixels: true,
                stripChannels: residual == nil && scale == nil
                    ? ChannelStripsStep.libraryChannels(pixels: pixels, channels: n) : nil,
                make: { slot in
                    LibraryGemmStep(
                        product: LibraryProduct(
                            library: library, weight: weight,
                            epilogue: StepEpilogue(
                                bias: bias, residual: residual.map(slot), activation: problem.op.activation),
                            n: n, k: k),
                        output: slot(output), input: slot(input), scale: scale.map(slot), pixels: pixels,
                        linePixels: linePixels)
                }))
    }
}
