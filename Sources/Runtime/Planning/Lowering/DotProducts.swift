// SPDX-License-Identifier: MIT

import Kernels

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
