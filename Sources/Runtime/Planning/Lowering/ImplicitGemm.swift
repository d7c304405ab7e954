// SPDX-License-Identifier: MIT

import Kernels

/// Each group is a product of its windows, read where they stand, with a packed matrix.
enum ImplicitGemm: ConvolutionAlgorithm {
    static let name = "implicit gemm"

    static func suits(_ problem: ConvolutionProblem, _ machine: Machine) -> Bool { true }

    static func cost(_ problem: ConvolutionProblem, _ machine: Machine) -> Double {
        let depth = problem.taps * problem.inputsOfGroup
        let product = problem.groups * (machine.vectors(problem.outputsOfGroup) * depth + overhead(problem))
        // One call more than a plain product.
        return Double(product * problem.outputPixels) + 1
    }

    /// What a group costs besides, for each output pixel: its copy, its call and its outputs, written apart from the others'.
    static func overhead(_ problem: ConvolutionProblem) -> Int {
        problem.groups == 1 ? 0 : problem.taps == 1 && problem.geometry.isUnpadded ? 2 : 32
    }

    static func packings(_ problem: ConvolutionProblem, _ kernels: KernelTable) -> [Packing] {
        [problem.packing(LastPanel.padded)]
    }

    static func lower(_ problem: ConvolutionProblem, _ planner: inout Planner) {
        let packedCount = planner.kernels.gemm.packedCount(problem.outputsOfGroup, problem.inputsOfGroup * problem.taps)
        let (weight, bias) = planner.reserveMatrices(problem, lastPanel: .padded)
        planner.appendWindows(
            problem, algorithm: name, reason: "a matrix product of windows", weight: weight, bias: bias,
            packedCount: packedCount, usesDots: false)
    }
}

extension Planner {
    /// A step that goes through windows, group by group.
    mutating func appendWindows(
        _ problem: ConvolutionProblem, algorithm: String, reason: String, weight: Int, bias: Int?, packedCount: Int,
        usesDots: Bool
    ) {
        let (input, output) = (resolved(problem.operands.x), problem.node.outputs[0].index)
        let residual = problem.operands.residual.map { resolved($0) }
        let geometry = problem.geometry
        let rows = geometry.windowRowsInside
        let skipped = rows < geometry.outputHeight * geometry.kernelHeight ? ", no rows beyond the image" : ""
        append(
            Draft(
                summary: summary(
                    problem, algorithm: algorithm,
                    reason: (problem.groups > 1 ? "\(problem.groups) groups, " : "") + reason + skipped,
                    executedMultiplyAdds: rows * geometry.outputWidth * geometry.kernelWidth * problem.outChannels
                        * problem.inputsOfGroup),
                reads: [input] + [residual].compactMap(\.self), writes: [output], writesPixels: true,
                make: { slot in
                    ConvolutionStep(
                        output: slot(output), input: slot(input), weight: weight,
                        epilogue: StepEpilogue(
                            bias: bias, residual: residual.map(slot), activation: problem.op.activation),
                        geometry: geometry, groups: problem.groups, outChannels: problem.outChannels,
                        packedCount: packedCount, usesDots: usesDots)
                }))
    }
}
