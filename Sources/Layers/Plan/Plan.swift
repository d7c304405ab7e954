// SPDX-License-Identifier: MIT

import Kernels
import Tensors

/// A network made ready to run: the kernel calls in order, their prepared weights, and where each value stands.
///
/// Made once, never changed, shared by all sessions. To run it, make a `Session`.
public final class Plan: Sendable {
    /// Shape of one input, without the batch: `[C, H, W]`, or `[features]`.
    public let inputShape: Shape
    /// Shape of one output, without the batch.
    public let outputShape: Shape
    /// What each step does, in order.
    public let summaries: [StepSummary]
    /// The block of weights that all steps read.
    public let weights: PreparedWeights
    /// The kernels that the weights were packed for.
    public let kernels: KernelTable

    /// How the steps take an input image.
    let inputLayout: Session.Layout
    let steps: [any Step]
    /// The steps from here on work on vectors, on all images of a batch at once.
    let firstBatchStep: Int
    /// Floats of one image's arena, and of the batch's arena for each image.
    let imageArenaCount: Int
    let batchArenaCount: Int
    let scratchCount: Int

    /// Images that are worked on at a time; a larger batch is run in pieces of this size.
    static let batchCapacity = 32

    /// Wires a network for inputs of one shape, folds and packs its weights.
    ///
    /// - Parameters:
    ///   - input: Shape of one input without the batch, for example `[3, 224, 224]`.
    ///   - kernels: The instruction set to use; by default the widest that the processor has, or what `SWIFTNET_ISA` names.
    ///   - weights: Weights that were prepared before for the same network, shape and kernels, if there are any: then the
    ///     network's own are not read.
    /// - Throws: `TensorError.notFinite` if weights hold NaN or infinities, `KernelError` if `SWIFTNET_ISA` names a level that
    ///   can't be had.
    /// - Precondition: The network's layers fit together.
    public convenience init(
        _ network: some Network, input: Shape, kernels: KernelTable? = nil, weights: PreparedWeights? = nil
    ) throws {
        let graph = Graph()
        let value = graph.append(.input, inputs: [], shape: input, name: "input")
        let result = network.forward(value)
        try self.init(
            graph: graph, result: result.index, kernels: kernels ?? KernelTable.selection.get(), weights: weights)
    }

    init(graph: Graph, result: Int, kernels: KernelTable, weights: PreparedWeights?) throws {
        let builder = PlanBuilder(graph: graph, result: result, kernels: kernels)
        let layout = builder.placed()
        inputShape = graph.nodes[0].shape
        outputShape = graph.nodes[result].shape
        inputLayout = builder.layout
        steps = layout.steps
        summaries = builder.drafts.map(\.summary)
        firstBatchStep = layout.firstBatchStep
        imageArenaCount = layout.imageArenaCount
        batchArenaCount = layout.batchArenaCount
        scratchCount = layout.steps.map(\.scratchCount).max() ?? 0
        self.kernels = kernels
        if let weights {
            precondition(
                weights.bytes.count >= builder.weights.count * 4,
                "prepared weights of \(weights.bytes.count) bytes belong to another network")
            self.weights = weights
        } else {
            self.weights = try PreparedWeights(builder.weights)
        }
    }

    /// Multiply-adds for one image.
    public var multiplyAdds: Int { summaries.reduce(0) { $0 + $1.multiplyAdds } }
}

extension Plan {
    /// The softmax of a network's answer.
    public func probabilities(ofLogits logits: [Float]) -> [Float] {
        [Float](unsafeUninitializedCapacity: logits.count) { buffer, count in
            if let base = buffer.baseAddress { kernels.softmax(base, logits, 1, logits.count) }
            count = logits.count
        }
    }
}
