// SPDX-License-Identifier: MIT

import Kernels

/// Each group is a product of its windows, copied behind each other, with a matrix, which OpenBLAS does.
enum LibraryWindows: ConvolutionAlgorithm {
    static let name = "openblas im2col"
    static let usesLibrary = true

    static func suits(_ problem: ConvolutionProblem, _ machine: Machine) -> Bool {
        machine.products.library != nil && problem.outputsOfGroup > 1
            && problem.outputPixels > 1 && !(problem.groups == 1 && problem.geometry.isPointwise)
    }

    static func cost(_ problem: ConvolutionProblem, _ machine: Machine) -> Double {
        let depth = problem.inputsOfGroup * problem.taps
        let blocks = LibraryConvolutionStep.blocks(problem.geometry, n: problem.outputsOfGroup, k: depth)
        let product = LibraryCosts.product(
            m: problem.outputPixels, n: problem.outputsOfGroup, k: depth, calls: blocks.rowBlocks)
        return Double(problem.groups) * (product + LibraryCosts.copy(problem.outputPixels * depth))
    }

    static func packings(_ problem: ConvolutionProblem, _ kernels: KernelTable) -> [Packing] { [problem.rowsPacking] }

    static func lower(_ problem: ConvolutionProblem, _ planner: inout Planner) {
        guard let library = planner.machine.products.library else { preconditionFailure("OpenBLAS was never opened") }
        let (weight, bias) = planner.reserveLibraryMatrices(problem)
        let (input, output) = (planner.resolved(problem.operands.x), problem.node.outputs[0].index)
        let residual = problem.operands.residual.map { planner.resolved($0) }
        planner.append(
            Draft(
                summary: planner.summary(
                    problem, algorithm: name,
                    reason: (problem.groups == 1 ? "" : "\(problem.groups) groups, ")
                        + "a matrix product of copied windows"),
                reads: [input] + [residual].compactMap(\.self), writes: [output], writesPixels: true,
                make: { slot in
                    LibraryConvolutionStep(
                        product: LibraryProduct(
                            library: library, weight: weight,
                            epilogue: StepEpilogue(
                                bias: bias, residual: residual.map(slot), activation: problem.op.activation),
                            n: problem.outputsOfGroup, k: problem.inputsOfGroup * problem.taps),
                        output: slot(output), input: slot(input), geometry: problem.geometry, groups: problem.groups)
                }))
    }
}
