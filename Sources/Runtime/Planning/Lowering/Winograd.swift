// SPDX-License-Identifier: MIT

import Kernels

/// 3x3 windows at stride 1 in the transformed space of Winograd's algorithm: a quarter of the multiplications.
enum Winograd: ConvolutionAlgorithm {
    static let name = "winograd 4x4"

    static func suits(_ problem: ConvolutionProblem, _ machine: Machine) -> Bool {
        problem.groups == 1 && problem.geometry.suitsWinograd
    }

    /// The transformations are paid for by many channels, and the weights, four times as many numbers to read, by many pixels.
    static func cost(_ problem: ConvolutionProblem, _ machine: Machine) -> Double {
        let geometry = problem.geometry
        let tiles = geometry.winogradTileRows * geometry.winogradTileColumns
        let products = problem.inChannels * machine.vectors(problem.outChannels) * tiles * WinogradKernels.points
        let isWorthIt = problem.inChannels >= 16 && problem.outChannels >= 16 && tiles >= 12
        return isWorthIt ? Double(products) * 1.4 : Double(products) * 5
    }

    static func packings(_ problem: ConvolutionProblem, _ kernels: KernelTable) -> [Packing] {
        [problem.packing("winograd, panels")]
    }

    static func lower(_ problem: ConvolutionProblem, _ planner: inout Planner) {
        let kernels = planner.kernels
        let winograd = kernels.winograd
        let (n, channels, geometry) = (problem.outChannels, problem.inChannels, problem.geometry)
        let source = problem.weights
        let weight = planner.weights.reserve(
            winograd.packedCount(n, channels), from: source.constants, packing: packings(problem, kernels)[0]
        ) { packed in
            let filters = try source.filters(taps: 9, kernels).floats()
            winograd.pack(packed, filters, n, channels)
        }
        let bias = planner.reserveBias(problem)
        let (input, output) = (planner.resolved(problem.operands.x), problem.node.outputs[0].index)
        let residual = problem.operands.residual.map { planner.resolved($0) }
        planner.append(
            Draft(
                summary: planner.summary(
                    problem, algorithm: name, reason: "a quarter of the multiplications, many channels",
                    executedMultiplyAdds: geometry.winogradTileRows * geometry.winogradTileColumns
                        * WinogradKernels.points * channels * n),
                reads: [input] + [residual].compactMap(\.self), writes: [output],
                make: { slot in
                    WinogradStep(
                        output: slot(output), input: slot(input), weight: weight,
                        epilogue: StepEpilogue(
                            bias: bias, residual: residual.map(slot), activation: problem.op.activation),
                        geometry: geometry, outChannels: n, scratchByteCount: winograd.scratchCount(geometry, n) * 4)
                }))
    }
}
