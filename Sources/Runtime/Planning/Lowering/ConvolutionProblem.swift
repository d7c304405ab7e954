// SPDX-License-Identifier: MIT

import Graphs
import Kernels
import Operators
import Tensors

/// A convolution of an image, as the algorithms that could do it see it.
struct ConvolutionProblem {
    let op: FusedConvolution
    let node: Graph.Node
    let operands: FusedConvolution.Operands<Graph.ValueID>
    let geometry: WindowGeometry
    let inChannels: Int
    let outChannels: Int
    let groups: Int
    let weights: ConvolutionWeights

    init(_ op: FusedConvolution, _ node: Graph.Node, in graph: Graph) {
        self.op = op
        self.node = node
        operands = op.operands(node.inputs)
        let (x, y) = (graph.fact(operands.x).shape, graph.fact(node.outputs[0]).shape)
        (inChannels, outChannels, groups) = (x[1], y[1], op.convolution.groups)
        let window = op.convolution.window
        geometry = WindowGeometry(
            channels: x[1], inputHeight: x[2], inputWidth: x[3], outputHeight: y[2], outputWidth: y[3],
            kernelHeight: window.kernel[0], kernelWidth: window.kernel[1],
            strideHeight: window.strides[0], strideWidth: window.strides[1],
            dilationHeight: window.dilations[0], dilationWidth: window.dilations[1],
            padTop: window.before[0], padLeft: window.before[1],
            padBottom: window.after[0], padRight: window.after[1])
        weights = ConvolutionWeights(op, operands, in: graph)
    }

    /// Whether each channel has one filter of its own.
    var isDepthwise: Bool { groups > 1 && groups == inChannels && groups == outChannels }

    var inputsOfGroup: Int { inChannels / groups }
    var outputsOfGroup: Int { outChannels / groups }
    var taps: Int { geometry.kernelHeight * geometry.kernelWidth }
    var outputPixels: Int { geometry.outputHeight * geometry.outputWidth }
    var multiplyAdds: Int { outputPixels * outChannels * inputsOfGroup * taps }

    /// A way to pack the filters, with all else that decides the bytes.
    func packing(_ way: String) -> Packing {
        let norm = op.batchNormEpsilon.map { ", batch norm with \($0)" } ?? ""
        return Packing(way + (groups > 1 ? ", \(groups) groups" : "") + norm)
    }

    /// For example "conv2d 3x3 + batch_norm + silu".
    var operation: String {
        (["conv2d \(geometry.kernelHeight)x\(geometry.kernelWidth)"] + op.fusedNames).joined(separator: " + ")
    }
}

/// The numbers of a convolution, read when they are packed: not before, since a worker whose weights were prepared elsewhere has
/// none.
struct ConvolutionWeights {
    private let weight: (name: String, tensor: Tensor)
    private let bias: (name: String, tensor: Tensor)?
    private let batchNorm: FoldedBatchNorm?
    private let outChannels: Int
    /// All that they are made of.
    let constants: [Tensor]

    init(_ op: FusedConvolution, _ operands: FusedConvolution.Operands<Graph.ValueID>, in graph: Graph) {
        func constant(_ id: Graph.ValueID) -> (name: String, tensor: Tensor) {
            guard let tensor = graph.constant(id) else {
                preconditionFailure("the weights '\(graph[id].name)' of a fused convolution are not constant")
            }
            return (graph[id].name, tensor)
        }
        weight = constant(operands.weight)
        bias = operands.bias.map(constant)
        batchNorm = op.batchNormEpsilon.map {
            FoldedBatchNorm(epsilon: $0, constants: operands.batchNorm.map(constant))
        }
        outChannels = graph.fact(operands.weight).shape[0]
        constants =
            [weight.tensor] + [bias?.tensor].compactMap(\.self) + operands.batchNorm.map { constant($0).tensor }
    }

    /// Whether there is anything to add to the sums.
    var hasBias: Bool { bias != nil || batchNorm != nil }

    /// The filters, a row for each output, each multiplied by its channel's scale if a batch norm follows: [height, width, inputs].
    func filters(taps: Int, _ kernels: KernelTable) -> MatrixSource {
        var source = MatrixSource(name: weight.name, tensor: weight.tensor, rows: outChannels, kernels: kernels)
        source.pixels = taps
        source.scale = batchNorm
        return source
    }

    /// What is added to each channel's sums.
    ///
    /// - Throws: `TensorError.notFinite`.
    func foldedBias() throws -> [Float] {
        let values =
            try bias.map { try $0.tensor.finiteFloats(name: $0.name) } ?? [Float](repeating: 0, count: outChannels)
        guard let affine = try batchNorm?.scaleAndShift() else { return values }
        return values.indices.map { Float(Double(values[$0]) * affine.scale[$0] + affine.shift[$0]) }
    }
}
