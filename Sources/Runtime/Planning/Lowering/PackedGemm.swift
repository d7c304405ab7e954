// SPDX-License-Identifier: MIT

import Kernels
import Operators

/// A 1x1 convolution is a product of the image's pixels with one packed matrix.
enum PackedGemm: ConvolutionAlgorithm {
    static let name = "packed gemm"

    static func suits(_ problem: ConvolutionProblem, _ machine: Machine) -> Bool {
        problem.groups == 1 && problem.geometry.isPointwise
    }

    static func cost(_ problem: ConvolutionProblem, _ machine: Machine) -> Double {
        Double(machine.vectors(problem.outChannels) * problem.inChannels * problem.outputPixels)
    }

    static func lower(_ problem: ConvolutionProblem, _ planner: inout Planner) {
        let kernels = planner.kernels
        let (n, k) = (problem.outChannels, problem.inChannels)
        let pixels = problem.outputPixels
        // A single row's sums wait for each other: one chain for all columns is as good.
        let lastPanel = pixels >= kernels.tileRows ? kernels.lastPanel(n, k) : .padded
        let (weight, bias) = planner.reserveMatrices(problem, lastPanel: lastPanel)
        let (input, output) = (planner.resolved(problem.operands.x), problem.node.outputs[0].index)
        let residual = problem.operands.residual.map { planner.resolved($0) }
        let scale = problem.operands.scale.map { planner.resolved($0) }
        let packedCount = kernels.packedCount(n, k)
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
                        output: slot(output), input: slot(input), residual: residual.map(slot),
                        scale: scale.map(slot), weight: weight, bias: bias, activation: problem.op.activation,
                        pixels: pixels, n: n, k: k, packedCount: packedCount, lastPanel: lastPanel,
                        following: pixels > 1 ? order.following(weight + packedCount) : 0..<0)
                }))
    }
}

extension Planner {
    /// Packs the filters of each group as a matrix [outputs, height * width * inputs].
    mutating func reserveMatrices(
        _ problem: ConvolutionProblem, lastPanel: LastPanel
    ) -> (weight: Int, bias: Int?) {
        let kernels = kernels
        let (outputs, inputs, taps) = (problem.outputsOfGroup, problem.inputsOfGroup, problem.taps)
        let packedCount = kernels.packedCount(outputs, inputs * taps)
        let (source, groups, rows) = (problem.weights, problem.groups, problem.outChannels)
        let weight = weights.reserve(packedCount * groups) { packed in
            let filters = try source.folded().reorderedToChannelsLast(rows: rows, channels: inputs, pixels: taps)
            filters.withUnsafeBufferPointer { filters in
                guard let base = filters.baseAddress else { return }
                for group in 0..<groups {
                    kernels.pack(
                        packed + group * packedCount, base + group * outputs * inputs * taps, outputs, inputs * taps,
                        lastPanel)
                }
            }
        }
        return (weight, reserveBias(problem))
    }
}

extension [Float] {
    /// Transposes each row from [channels, pixels] to [pixels, channels].
    func reorderedToChannelsLast(rows: Int, channels: Int, pixels: Int) -> [Float] {
        guard channels > 1, pixels > 1 else { return self }
        return [Float](unsafeUninitializedCapacity: count) { output, initialized in
            for row in 0..<rows {
                let base = row * channels * pixels
                for channel in 0..<channels {
                    for pixel in 0..<pixels {
                        output[base + pixel * channels + channel] = self[base + channel * pixels + pixel]
                    }
                }
            }
            initialized = count
        }
    }
}
