// SPDX-License-Identifier: MIT

import Kernels
import Operators

/// A 1x1 convolution is a product of the image's pixels with one packed matrix.
enum PackedGemm: ConvolutionAlgorithm {
    static let name = "packed gemm"
    static let scalesInput = true

    static func suits(_ problem: ConvolutionProblem, _ machine: Machine) -> Bool {
        problem.groups == 1 && problem.geometry.isPointwise
    }

    static func cost(_ problem: ConvolutionProblem, _ machine: Machine) -> Double {
        Double(machine.vectors(problem.outChannels) * problem.inChannels * problem.outputPixels)
    }

    static func packings(_ problem: ConvolutionProblem, _ kernels: KernelTable) -> [Packing] {
        lastPanels(problem, kernels).map { problem.packing($0) }
    }

    private static func lastPanels(_ problem: ConvolutionProblem, _ kernels: KernelTable) -> [LastPanel] {
        kernels.lastPanels(rows: problem.outputPixels, problem.outChannels, problem.inChannels)
    }

    static func lower(_ problem: ConvolutionProblem, _ planner: inout Planner) {
        let kernels = planner.kernels
        let (n, k) = (problem.outChannels, problem.inChannels)
        let pixels = problem.outputPixels
        let packing = planner.packing(of: problem.weights.constants, packings(problem, kernels))
        let lastPanel = packing == problem.packing(LastPanel.paired) ? LastPanel.paired : .padded
        let (weight, bias) = planner.reserveMatrices(problem, lastPanel: lastPanel)
        let (input, output) = (planner.resolved(problem.operands.x), problem.node.outputs[0].index)
        let residual = problem.operands.residual.map { planner.resolved($0) }
        let scale = problem.operands.scale.map { planner.resolved($0) }
        let packedCount = kernels.gemm.packedCount(n, k)
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
                        output: slot(output), input: slot(input), scale: scale.map(slot), weight: weight,
                        epilogue: StepEpilogue(
                            bias: bias, residual: residual.map(slot), activation: problem.op.activation),
                        pixels: pixels, n: n, k: k, packedCount: packedCount, lastPanel: lastPanel,
                        following: pixels > 1 ? order.following(weight + packedCount * 4) : 0..<0)
                }))
    }
}

extension ConvolutionProblem {
    /// The filters of each group as a matrix in panels.
    func packing(_ lastPanel: LastPanel) -> Packing { packing("panels, the last one \(lastPanel.rawValue)") }
}

extension KernelTable {
    /// The ways to hold the last panel of a matrix for products of so many rows, the better one first.
    func lastPanels(rows: Int, _ n: Int, _ k: Int) -> [LastPanel] {
        guard lastPanel(n, k) == .paired else { return [.padded] }
        // A single row's sums wait for each other: one chain for all columns is as good.
        return rows >= gemm.tileRows ? [.paired, .padded] : [.padded, .paired]
    }
}

extension Planner {
    /// Packs the filters of each group as a matrix [outputs, height * width * inputs].
    mutating func reserveMatrices(
        _ problem: ConvolutionProblem, lastPanel: LastPanel
    ) -> (weight: Int, bias: Int?) {
        let kernels = kernels
        let (outputs, inputs, taps) = (problem.outputsOfGroup, problem.inputsOfGroup, problem.taps)
        let packedCount = kernels.gemm.packedCount(outputs, inputs * taps)
        let (source, groups) = (problem.weights, problem.groups)
        let packing = problem.packing(lastPanel)
        let weight = weights.reserve(
            packedCount * groups, of: Float.self, from: source.constants, packing: packing,
            writes: source.filters(taps: taps, kernels).packs(groups: groups, lastPanel: lastPanel))
        return (weight, reserveBias(problem))
    }
}

extension MatrixSource {
    /// Floats of a part that is packed by itself.
    private static let partFloats = 1 << 18

    /// Functions that pack the rows, each group's as a matrix of its own, and that may be called at the same time: large matrices have
    /// several, each for some panels. They throw `TensorError.notFinite`.
    func packs(groups: Int = 1, lastPanel: LastPanel) -> [@Sendable (Output) throws -> Void] {
        guard groups == 1, rows * depth > Self.partFloats else {
            let outputs = rows / groups
            return [
                { packed in
                    for group in 0..<groups {
                        let (first, matrix) = (
                            group * outputs, packed + group * kernels.gemm.packedCount(outputs, depth)
                        )
                        try pack(first..<(first + outputs), to: matrix, lastPanel)
                    }
                }
            ]
        }
        let count = max(1, Self.partFloats / (depth * kernels.panelWidth)) * kernels.panelWidth
        return stride(from: 0, to: rows, by: count).map { first in
            { packed in try pack(first..<min(first + count, rows), to: packed + first * depth, lastPanel) }
        }
    }

    private func pack(_ range: Range<Int>, to matrix: Output, _ lastPanel: LastPanel) throws {
        try forEachBlock(of: range, multiple: kernels.panelWidth) { block, values in
            kernels.gemm.pack(
                matrix + (block.lowerBound - range.lowerBound) * depth, values, block.count, depth, lastPanel)
        }
    }
}
