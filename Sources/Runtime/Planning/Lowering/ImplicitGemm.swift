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

/// Filters and windows are multiplied value by value, lanes along the depth: for few outputs.
enum DotProducts: ConvolutionAlgorithm {
    static let name = "dot products"

    static func suits(_ problem: ConvolutionProblem, _ machine: Machine) -> Bool { true }

    /// Sums for four outputs at a time, and as many lanes' addition at the end, for each group. Short ones are slower than
    /// counted.
    static func cost(_ problem: ConvolutionProblem, _ machine: Machine) -> Double {
        let geometry = problem.geometry
        let runs = geometry.windowRuns(groups: problem.groups)
        let vectors = geometry.kernelHeight * runs.count * machine.vectors(runs.length)
        let width = geometry.isPointwise ? problem.outputPixels : geometry.outputWidth
        let outputs = (problem.outputsOfGroup + 3) / 4 * 4
        let product = outputs * (vectors + 4) * ((width + 3) / 4 * 4) / width + ImplicitGemm.overhead(problem)
        return Double(problem.groups * product * problem.outputPixels) * 1.25
    }

    static func packings(_ problem: ConvolutionProblem, _ kernels: KernelTable) -> [Packing] {
        let runs = problem.geometry.windowRuns(groups: problem.groups)
        return [problem.packing("runs of \(runs.length)")]
    }

    static func lower(_ problem: ConvolutionProblem, _ planner: inout Planner) {
        let kernels = planner.kernels
        let (outputs, inputs, taps) = (problem.outputsOfGroup, problem.inputsOfGroup, problem.taps)
        let (source, groups) = (problem.weights, problem.groups)
        let runs = problem.geometry.windowRuns(groups: groups)
        let runCount = problem.geometry.kernelHeight * runs.count
        let packedCount = kernels.windows.dotsPackedCount(outputs, runCount, runs.length)
        let weight = planner.weights.reserve(
            packedCount * groups, from: source.constants, packing: packings(problem, kernels)[0]
        ) { packed in
            let filters = try source.filters(taps: taps, kernels).floats()
            filters.withUnsafeBufferPointer { filters in
                guard let base = filters.baseAddress else { return }
                for group in 0..<groups {
                    kernels.windows.packDots(
                        packed + group * packedCount, base + group * outputs * inputs * taps, outputs, runCount,
                        runs.length)
                }
            }
        }
        planner.appendWindows(
            problem, algorithm: name, reason: "few outputs, lanes along the depth", weight: weight,
            bias: planner.reserveBias(problem), packedCount: packedCount, usesDots: true)
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
