// SPDX-License-Identifier: MIT

import Kernels

/// Winograd's algorithm, whose products OpenBLAS does.
enum LibraryWinograd: ConvolutionAlgorithm {
    static let name = "openblas winograd 4x4"
    static let usesLibrary = true

    static func suits(_ problem: ConvolutionProblem, _ machine: Machine) -> Bool {
        machine.products.library != nil && Winograd.suits(problem, machine)
    }

    static func cost(_ problem: ConvolutionProblem, _ machine: Machine) -> Double {
        let (geometry, points) = (problem.geometry, WinogradKernels.points)
        let tiles = geometry.winogradTileRows * geometry.winogradTileColumns
        let blocks = LibraryWinogradStep.blocks(geometry, outChannels: problem.outChannels)
        let product = LibraryCosts.product(
            m: tiles, n: problem.outChannels, k: problem.inChannels, calls: blocks.rowBlocks)
        // A transformation computes with what it copies: it counts as two copies.
        let values = points * tiles * (problem.inChannels + problem.outChannels)
        return Double(points) * product + 2 * LibraryCosts.copy(values)
    }

    static func packings(_ problem: ConvolutionProblem, _ kernels: KernelTable) -> [Packing] {
        [problem.packing("winograd, rows")]
    }

    static func lower(_ problem: ConvolutionProblem, _ planner: inout Planner) {
        guard let library = planner.machine.products.library else { preconditionFailure("OpenBLAS was never opened") }
        let kernels = planner.kernels
        let winograd = kernels.winograd
        let (n, channels, geometry) = (problem.outChannels, problem.inChannels, problem.geometry)
        let source = problem.weights
        let weight = planner.weights.reserve(
            WinogradKernels.points * channels * n, from: source.constants,
            packing: packings(problem, kernels)[0]
        ) { matrices in
            let filters = try source.filters(taps: 9, kernels).floats()
            winograd.transformFilters(matrices, filters, n, channels)
        }
        let bias = planner.reserveBias(problem)
        let (input, output) = (planner.resolved(problem.operands.x), problem.node.outputs[0].index)
        let residual = problem.operands.residual.map { planner.resolved($0) }
        let tiles = geometry.winogradTileRows * geometry.winogradTileColumns
        planner.append(
            Draft(
                summary: planner.summary(
                    problem, algorithm: name, reason: "a quarter of the multiplications, many channels",
                    executedMultiplyAdds: tiles * WinogradKernels.points * channels * n),
                reads: [input] + [residual].compactMap(\.self), writes: [output],
                make: { slot in
                    LibraryWinogradStep(
                        library: library, output: slot(output), input: slot(input), weight: weight,
                        epilogue: StepEpilogue(
                            bias: bias, residual: residual.map(slot), activation: problem.op.activation),
                        geometry: geometry, outChannels: n)
                }))
    }
}
