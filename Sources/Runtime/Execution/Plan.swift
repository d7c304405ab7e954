// SPDX-License-Identifier: MIT

import BLAS
import Graphs
import Kernels
import Tensors

/// A network made ready to run: the kernel calls in order, their prepared weights, and where each value stands.
///
/// Made once, never changed, shared by all sessions. To run it, make a `Session`.
public final class Plan: Sendable {
    /// One of the values that the caller gives or gets.
    public struct Port: Sendable {
        /// The file's name for it.
        public let name: String
        /// Type of the elements.
        public let elementType: ElementType
        /// Sizes of one of it, without the batch.
        public let shape: Shape
        /// Sizes as the graph has them.
        let fullShape: Shape
        /// Bytes that one of it takes.
        let byteCount: Int
        /// Floats that one of it takes, if it is one of Floats.
        var count: Int { byteCount / 4 }

        /// Whether it is an image whose channels are contiguous.
        let isChannelsLast: Bool
        /// Whether it is an image whose numbers stand in another sequence in NCHW than in NHWC.
        private let hasOrder: Bool

        /// Whether the steps take it as a caller gives it.
        func isOrdered(as layout: Session.Layout) -> Bool { !hasOrder || isChannelsLast == (layout == .channelsLast) }

        init(_ name: String, _ fact: Fact) {
            self.name = name
            elementType = fact.elementType
            shape = fact.shape.withoutBatch
            fullShape = fact.shape
            isChannelsLast = fact.order == .channelsLast(rank: 4)
            hasOrder = fact.order.rank == 4 && shape.rank == 3 && shape[0] > 1 && shape[1] * shape[2] > 1
            byteCount = fact.wholeWords
        }
    }

    /// What the caller gives, in order.
    public let inputs: [Port]
    /// What the caller gets, in order.
    public let outputs: [Port]
    /// What each step does, in order.
    public let summaries: [StepSummary]
    /// The block of weights that all steps read, or what it holds beside the one that is shared with a plan for another size.
    public let weights: PreparedWeights
    /// The block of a plan for another size.
    let shared: PreparedWeights?
    /// Offsets from here on are in the plan's own block.
    let firstOwnWeight: Int
    /// The kernels that the weights were packed for.
    public let kernels: KernelTable
    /// Whose products of matrices the steps may take.
    public let products: MatrixProducts
    /// What was planned, in 16 digits: the graph after all passes, the algorithms, the kernels. Prepared weights of one plan are
    /// read rightly only by another of the same fingerprint.
    public let fingerprint: String

    let steps: [any Step]
    /// The steps from here on work on vectors, on all images of a batch at once.
    let firstBatchStep: Int
    /// Bytes of one image's arena, and of the batch's arena for each image.
    let imageArenaBytes: Int
    let batchArenaBytes: Int
    /// Bytes of each worker's scratch.
    let scratchBytes: Int

    /// Images that are worked on at a time; a larger batch is run in pieces of this size.
    static let batchCapacity = 32

    /// Chooses kernels for a graph, folds and packs its weights.
    ///
    /// - Parameters:
    ///   - graph: A network for a batch of one.
    ///   - kernels: The instruction set to use; by default the widest that the processor has, or what `SWIFTNET_ISA` names.
    ///   - products: Whose products of matrices to take; by default OpenBLAS's at the portable level, where they are faster, or
    ///     those that `SWIFTNET_GEMM` names.
    ///   - weights: Weights that were prepared before for the same graph and kernels, if there are any: then the graph's own are
    ///     not read.
    ///   - other: A plan of the same constants for another size of the input, which must still exist: what it has packed is not packed
    ///     again, and its algorithms are preferred where they read that.
    ///   - algorithms: Algorithms to use in place of the cheapest, by the name of the node.
    /// - Throws: `GraphError`, `PlanError`, `TensorError.notFinite` if weights hold NaN or infinities, `KernelError` or
    ///   `MatrixProductsError` if `SWIFTNET_ISA` or `SWIFTNET_GEMM` names what can't be had.
    public convenience init(
        _ graph: Graph, kernels: KernelTable? = nil, products: MatrixProducts? = nil, weights: PreparedWeights? = nil,
        sharing other: Plan? = nil, algorithms: [String: String] = [:],
        observe: ((any Pass, Graph) -> Void)? = nil
    ) throws {
        try self.init(
            graph, passes: Passes.all, kernels: kernels, products: products, weights: weights, sharing: other,
            algorithms: algorithms, observe: observe)
    }

    /// The same by other passes, of which the last one is `AssignLayouts`.
    init(
        _ graph: Graph, passes: [any Pass], kernels: KernelTable? = nil, products: MatrixProducts? = nil,
        weights: PreparedWeights? = nil, sharing other: Plan? = nil, algorithms: [String: String] = [:],
        observe: ((any Pass, Graph) -> Void)? = nil
    ) throws {
        var graph = graph
        try Passes.run(passes, on: &graph, observe: observe)
        let kernels = try kernels ?? KernelTable.selection.get()
        let products = try products ?? .selection(isVectorLevel: kernels.isVectorLevel)
        // Another level packs in another way.
        shared = other.flatMap { $0.kernels.name == kernels.name ? $0.shared ?? $0.weights : nil }
        let planner = try Planner(
            graph, kernels: kernels, products: products, sharing: shared, forced: algorithms)
        firstOwnWeight = planner.weights.firstOffset
        let layout = planner.placed()
        inputs = graph.inputs.map { Port(graph[$0].name, graph.fact($0)) }
        outputs = zip(graph.outputNames, graph.outputs).map { Port($0, graph.fact($1)) }
        steps = layout.steps
        summaries = planner.drafts.map(\.summary)
        firstBatchStep = layout.firstBatchStep
        imageArenaBytes = layout.imageArenaBytes
        batchArenaBytes = layout.batchArenaBytes
        scratchBytes = layout.steps.map(\.scratchByteCount).max() ?? 0
        self.kernels = kernels
        self.products = products
        fingerprint =
            Fingerprint(graph, summaries: summaries, machine: planner.machine, weightBytes: planner.weights.byteCount)
            .text
        if let weights {
            guard weights.fingerprint == fingerprint else {
                throw PlanError.foreignWeights(expected: fingerprint, actual: weights.fingerprint)
            }
            guard weights.bytes.count >= planner.weights.ownByteCount else {
                throw PlanError.foreignWeights(
                    expected: "\(planner.weights.ownByteCount) bytes", actual: "\(weights.bytes.count) bytes")
            }
            self.weights = weights
        } else {
            self.weights = try PreparedWeights(planner.weights, fingerprint: fingerprint)
        }
    }

    /// Shape of one input, without the batch: `[C, H, W]`, or `[features]`; of the first one if there are several.
    public var inputShape: Shape { inputs[0].shape }
    /// Shape of one output, without the batch; of the first one if there are several.
    public var outputShape: Shape { outputs[0].shape }

    /// What the prepared weights were packed for, as one line: weights of one plan serve another only if it says the same.
    public var packing: String {
        "\(kernels.name) kernels, \(products.name) products" + (products.isForced ? "" : " where that is faster")
    }

    /// Multiply-adds for one image.
    public var multiplyAdds: Int { summaries.reduce(0) { $0 + $1.multiplyAdds } }

    /// Bytes that a session takes for activations and scratch, for one image at a time and one thread.
    public var activationBytes: Int { imageArenaBytes + batchArenaBytes * Self.batchCapacity + scratchBytes }
}

extension Plan {
    /// The sigmoid of each number of a network's answer.
    public func sigmoids(ofLogits logits: [Float]) -> [Float] {
        [Float](unsafeUninitializedCapacity: logits.count) { buffer, count in
            if let base = buffer.baseAddress { kernels.elementwise.activate(base, logits, .sigmoid, logits.count) }
            count = logits.count
        }
    }

    /// The softmax of a network's answer.
    public func probabilities(ofLogits logits: [Float]) -> [Float] {
        [Float](unsafeUninitializedCapacity: logits.count) { buffer, count in
            if let base = buffer.baseAddress { kernels.reduce.softmax(base, logits, 1, logits.count) }
            count = logits.count
        }
    }
}
