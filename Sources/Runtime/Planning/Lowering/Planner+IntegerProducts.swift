// SPDX-License-Identifier: MIT

import Graphs
import Kernels
import Operators
import Tensors

extension Planner {
    /// Products of bytes: convolutions as products of windows, depthwise ones by themselves, linear layers.
    mutating func lowerIntegerProduct(_ product: IntegerProduct, _ node: Graph.Node) {
        switch product.form {
        case .convolution(let convolution): lowerIntegerConvolution(product, convolution, node)
        case .linear(let flattensImage): lowerIntegerLinear(product, node, flattensImage: flattensImage)
        }
    }

    private mutating func lowerIntegerConvolution(
        _ product: IntegerProduct, _ convolution: Convolution, _ node: Graph.Node
    ) {
        let (x, y) = (shape(node.inputs[0]), shape(node.outputs[0]))
        let weights = constant(node.inputs[1])
        let geometry = convolution.window.geometry(x, y)
        let (groups, outputs) = (convolution.groups, y[1])
        let taps = geometry.kernelHeight * geometry.kernelWidth
        let isDepthwise = groups > 1 && groups == x[1] && groups == outputs
        let kernels = kernels.int8
        let inputs = x[1] / groups
        // Pixels side by side fill a block of the kernels where one has too few channels.
        let together =
            isDepthwise && geometry.strideWidth == 1 && kernels.blockLength % outputs == 0
            ? kernels.blockLength / outputs : 1
        let runs = geometry.integerRuns(groups: groups)
        let (runCount, groupOutputs) = (geometry.kernelHeight * runs.count, outputs / groups)
        let packedWords =
            isDepthwise
            ? kernels.packedDepthwiseWords(outputs, taps: taps)
            : kernels.packedWords(groupOutputs, runs: runCount, length: runs.length)
        let weight = self.weights.reserve(
            isDepthwise ? packedWords : packedWords * groups, of: Int32.self, from: [weights],
            packing: Packing(
                "\(kernels.name) int8 \(isDepthwise ? "\(together) depthwise" : "runs of \(runs)"), \(groups) groups")
        ) { packed in
            weights.withUnsafeBytes { bytes in
                var filters = [Int8](rows: bytes, outputs, channels: inputs, pixels: taps)
                if together > 1 { filters = (0..<together).flatMap { _ in filters } }
                filters.withUnsafeBufferPointer { filters in
                    guard let base = filters.baseAddress else { return }
                    if isDepthwise { return kernels.packDepthwise(packed, base, together * outputs, taps) }
                    for group in 0..<groups {
                        kernels.pack(
                            packed + group * packedWords, base + group * groupOutputs * inputs * taps, groupOutputs,
                            runCount, runs.length)
                    }
                }
            }
        }
        let epilogue = integerEpilogue(
            product, node, groups: isDepthwise ? 1 : groups, inBlocks: isDepthwise, repeats: together)
        let input = resolved(node.inputs[0])
        let zero = UInt8(product.input.zero)
        let multiplyAdds = y[2] * y[3] * outputs * inputs * taps
        append(
            Draft(
                summary: summary(
                    node,
                    operation: (["int8 conv2d \(geometry.kernelHeight)x\(geometry.kernelWidth)"] + product.fusedNames)
                        .joined(separator: " + "),
                    algorithm: isDepthwise ? "int8 depthwise" : "int8 implicit gemm",
                    reason: isDepthwise
                        ? "one filter per channel, lanes along the channels" : "a matrix product of windows",
                    multiplyAdds: multiplyAdds, weightFloats: (weights.byteCount + 3) / 4),
                reads: [input] + epilogue.reads, writes: [node.outputs[0].index],
                make: { slot in
                    if isDepthwise {
                        return IntegerDepthwiseStep(
                            input: slot(input), zero: zero, weight: weight, epilogue: epilogue.make(slot),
                            geometry: geometry, together: together)
                    }
                    return IntegerConvolutionStep(
                        input: slot(input), zero: zero, weight: weight, epilogue: epilogue.make(slot),
                        geometry: geometry, groups: groups, outChannels: outputs, packedWords: packedWords,
                        kernels: kernels)
                }))
    }

    private mutating func lowerIntegerLinear(
        _ product: IntegerProduct, _ node: Graph.Node, flattensImage: Bool
    ) {
        let weights = constant(node.inputs[1])
        let (n, k) = (weights.shape[0], weights.shape[1])
        let rows = shape(node.outputs[0]).elementCount / max(1, n)
        let kernels = kernels.int8
        let image = fact(node.inputs[0])
        // The rows are reordered as the image's numbers stand in memory.
        let pixels =
            flattensImage && image.isReorderedByFlattening ? image.shape[2] * image.shape[3] : 1
        let weight = self.weights.reserve(
            kernels.packedWords(n, runs: 1, length: k), of: Int32.self, from: [weights],
            packing: Packing("\(kernels.name) int8 rows of \(pixels)")
        ) { packed in
            weights.withUnsafeBytes { bytes in
                kernels.pack(packed, [Int8](rows: bytes, n, channels: k / pixels, pixels: pixels), n, 1, k)
            }
        }
        let epilogue = integerEpilogue(product, node, groups: 1)
        let input = resolved(node.inputs[0])
        let isRowwise = rows == 1 && shape(node.outputs[0]).rank == 2 && (flattensImage || image.shape.rank == 2)
        append(
            Draft(
                summary: summary(
                    node, operation: (["int8 linear"] + product.fusedNames).joined(separator: " + "),
                    algorithm: "int8 gemm",
                    reason: pixels > 1 ? "flatten folded into the weights" : "a matrix product",
                    multiplyAdds: rows * n * k, weightFloats: (weights.byteCount + 3) / 4),
                reads: [input] + epilogue.reads, writes: [node.outputs[0].index], isRowwise: isRowwise,
                make: { slot in
                    IntegerLinearStep(
                        input: slot(input), weight: weight, epilogue: epilogue.make(slot), rows: rows, n: n, k: k,
                        wordCount: kernels.words(k))
                }))
    }

    /// An epilogue whose values have no places yet.
    private struct EpilogueDraft {
        let reads: [Int]
        let make: (_ slot: (Int) -> Slot) -> IntegerEpilogue
    }

    /// Reserves what sums are added to and multiplied by, each group's in whole panels, or in blocks of channels.
    ///
    /// - Parameter repeats: How often they stand there, one after the other.
    private mutating func integerEpilogue(
        _ product: IntegerProduct, _ node: Graph.Node, groups: Int, inBlocks: Bool = false, repeats: Int = 1
    ) -> EpilogueDraft {
        let (weight, scale) = (constant(node.inputs[1]), constant(node.inputs[2]))
        let operands = product.operands(node.inputs)
        let bias = operands.bias.map { constant($0) }
        let numbers = IntegerProduct.Numbers(product, weight: weight, scale: scale, bias: bias)
        let outputs = weight.shape[0] / groups
        let padded = inBlocks ? kernels.int8.paddedToBlocks(outputs) : kernels.int8.padded(outputs)
        let constants = [weight, scale] + [bias].compactMap(\.self)
        let way =
            "of \(product.input) to \(product.output?.description ?? "f32"), \(repeats) times \(groups) groups of \(padded)"
        @Sendable func place(_ index: Int) -> Int { index / outputs * padded + index % outputs }
        let biases = weights.reserve(
            padded * groups, of: Int32.self, from: constants, packing: Packing("int8 bias \(way)")
        ) { output in
            output.update(repeating: 0, count: padded * groups)
            for (index, value) in numbers.bias.enumerated() {
                for time in 0..<repeats { output[place(index) + time * outputs] = value }
            }
        }
        let multipliers = weights.reserve(
            padded * groups, from: constants, packing: Packing("int8 multiplier \(way)")
        ) { output in
            output.update(repeating: 0, count: padded * groups)
            for (index, value) in numbers.multipliers.enumerated() {
                for time in 0..<repeats { output[place(index) + time * outputs] = value }
            }
        }
        let table = product.table.map { reserveTable($0) }
        let residual = operands.residual.map { resolved($0) }
        let output = node.outputs[0].index
        return EpilogueDraft(reads: [residual].compactMap(\.self)) { slot in
            IntegerEpilogue(
                output: slot(output), isFloat: product.output == nil, bias: biases, multiplier: multipliers,
                table: table, range: product.bounds, residual: residual.map(slot),
                residualZero: Int32(product.residual?.zero ?? 0), residualMultiplier: product.residualMultiplier)
        }
    }

    private func constant(_ id: Graph.ValueID) -> Tensor {
        guard let tensor = graph.constant(id) else { preconditionFailure("'\(graph[id].name)' is not constant") }
        return tensor
    }
}

extension [Int8] {
    /// Rows [channels, pixels] as [pixels, channels].
    fileprivate init(rows bytes: UnsafeRawBufferPointer, _ count: Int, channels: Int, pixels: Int) {
        self = bytes.map { Int8(bitPattern: $0) }
        guard pixels > 1, channels > 1 else { return }
        let depth = channels * pixels
        for row in 0..<count {
            for channel in 0..<channels {
                for pixel in 0..<pixels {
                    self[row * depth + pixel * channels + channel] = Int8(
                        bitPattern: bytes[row * depth + channel * pixels + pixel])
                }
            }
        }
    }
}
