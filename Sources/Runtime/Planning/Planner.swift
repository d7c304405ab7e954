// SPDX-License-Identifier: MIT

import BLAS
import Graphs
import Kernels
import Operators
import Tensors

/// Turns a graph that has gone through the passes into steps: first drafts that say what they read and write, then places for the
/// values.
struct Planner {
    let graph: Graph
    let kernels: KernelTable
    let machine: Machine
    /// Algorithms that were asked for, by the node's name.
    let forced: [String: String]
    let readers: Graph.Readers
    var drafts: [Draft] = []
    var weights: WeightsLayout
    let order = WeightsOrder()
    /// Bytes of each value for one input; the graph's values first, then those that steps need among themselves.
    private var byteCounts: [Int]
    /// Values that are other values under another shape.
    private var aliases: [Int: Int] = [:]
    /// For each output of the graph, the value that the caller is given.
    private(set) var finalValues: [Int] = []

    /// Lowers all nodes.
    ///
    /// - Throws: `PlanError` if a forced algorithm does not suit, or is for a node that is no convolution and no linear layer.
    init(
        _ graph: Graph, kernels: KernelTable, products: MatrixProducts, sharing shared: PreparedWeights? = nil,
        forced: [String: String] = [:]
    ) throws {
        self.graph = graph
        weights = WeightsLayout(sharing: shared)
        self.kernels = kernels
        self.forced = forced
        machine = Machine(kernels, products)
        byteCounts = graph.values.map(\.fact.wholeWords)
        readers = graph.readers()
        let products = Set(graph.nodes.lazy.filter { $0.op is FusedConvolution || $0.op is FusedLinear }.map(\.name))
        if let stray = forced.keys.filter({ !products.contains($0) }).min() { throw PlanError.unknownNode(stray) }
        for node in graph.nodes {
            let before = weights.byteCount
            try lower(node)
            if weights.isSharing && weights.byteCount > before {
                drafts[drafts.count - 1].summary.reason += "; packed anew for this size"
            }
        }
        finish()
    }

    private mutating func lower(_ node: Graph.Node) throws {
        switch node.op {
        case let conv as FusedConvolution: try lowerConvolution(conv, node)
        case let linear as FusedLinear: try lowerLinear(linear, node)
        case let norm as FusedBatchNormalization: lowerBatchNorm(norm, node)
        case let product as IntegerProduct: lowerIntegerProduct(product, node)
        case is IntegerAdd, is IntegerMultiply, is IntegerLookUp: lowerIntegerElementwise(node)
        case is IntegerAveragePool: lowerIntegerPooling(node)
        case is Pool where fact(node.inputs[0]).elementType == .uint8: lowerIntegerPooling(node)
        case is QuantizeLinear, is DequantizeLinear: lowerQuantization(node)
        case is Pool, is AdaptivePool, is MeanOfRowSums: lowerPooling(node)
        case is FusedAdd, is Unary, is Binary: lowerElementwise(node)
        case is Softmax: lowerSoftmax(node)
        case is Reshape, is Transpose: alias(node.outputs[0], to: node.inputs[0])
        case is Reorder: lowerReorder(node)
        case is Concat, is Split, is Slice, is Pad, is Expand: lowerMove(node)
        case let norm as LayerNormalization: lowerLayerNormalization(norm, node)
        case let reduce as Reduce: lowerReduce(reduce, node)
        case is MatMul: lowerMatMul(node)
        case let attention as Attention: lowerAttention(attention, node)
        case let resize as Resize: lowerResize(resize, node)
        default: lowerByReference(node)
        }
    }

    // MARK: Values

    /// The value that really holds a value's numbers.
    func resolved(_ id: Graph.ValueID) -> Int { resolved(id.index) }

    func resolved(_ value: Int) -> Int { aliases[value].map(resolved) ?? value }

    mutating func alias(_ id: Graph.ValueID, to other: Graph.ValueID) { aliases[id.index] = other.index }

    /// Bytes that a value's place takes.
    func byteCount(of value: Int) -> Int { byteCounts[value] }

    /// A value that steps need among themselves.
    mutating func newValue(byteCount: Int) -> Int {
        byteCounts.append(byteCount)
        return byteCounts.count - 1
    }

    func fact(_ id: Graph.ValueID) -> Fact { graph.fact(id) }
    func shape(_ id: Graph.ValueID) -> Shape { graph.fact(id).shape }

    /// The shape [C, H, W] or [features] of one input, as people are told it.
    func shownShape(_ id: Graph.ValueID) -> Shape { shape(id).withoutBatch }

    // MARK: Drafts

    mutating func append(_ draft: Draft) { drafts.append(draft) }

    /// The caller's outputs are values of their own, written last where they stand in no place that the caller can be given.
    private mutating func finish() {
        let written = Set(drafts.flatMap(\.writes))
        for output in graph.outputs {
            let value = resolved(output)
            if written.contains(value) && !finalValues.contains(value) {
                finalValues.append(value)
                continue
            }
            let copy = newValue(byteCount: byteCounts[value])
            let operand = operand(output)
            let shape = shownShape(output)
            append(
                Draft(
                    summary: StepSummary(
                        name: graph[output].name, operation: "copy", inputShape: shape, outputShape: shape,
                        algorithm: "copy", reason: "the network returns its input"),
                    reads: operand.reads, writes: [copy], isRowwise: fact(output).isRow,
                    make: { slot in CopyStep(output: slot(copy), input: operand.source(slot)) }))
            finalValues.append(copy)
        }
    }

    func summary(
        _ node: Graph.Node, operation: String, algorithm: String, reason: String, multiplyAdds: Int = 0,
        executedMultiplyAdds: Int? = nil, weightFloats: Int = 0
    ) -> StepSummary {
        StepSummary(
            name: node.name, operation: operation, inputShape: node.inputs.first.map(shownShape) ?? [],
            outputShape: shownShape(node.outputs[0]), algorithm: algorithm, reason: reason, multiplyAdds: multiplyAdds,
            executedMultiplyAdds: executedMultiplyAdds ?? multiplyAdds, weightBytes: weightFloats * 4)
    }
}

extension Planner {
    /// What a step reads: a value's place, or numbers that are known.
    enum Operand {
        case value(Int)
        /// An offset in the prepared weights.
        case weight(Int)

        var reads: [Int] {
            switch self {
            case .value(let value): [value]
            case .weight: []
            }
        }

        func source(_ slot: (Int) -> Slot) -> Source {
            switch self {
            case .value(let value): .slot(slot(value))
            case .weight(let offset): .weight(offset)
            }
        }
    }

    /// What a step reads for a value; constants go into the prepared weights, in the order that their fact says.
    mutating func operand(_ id: Graph.ValueID) -> Operand {
        guard let constant = graph.constant(id) else { return .value(resolved(id)) }
        return .weight(
            weights.reserve(constant.byteCount, of: UInt8.self, from: [constant], packing: .plain) { output in
                constant.withUnsafeBytes { bytes in
                    UnsafeMutableRawBufferPointer(start: output, count: bytes.count).copyMemory(from: bytes)
                }
            })
    }
}

extension Fact {
    /// Bytes of a place for it, in whole words of four.
    var wholeWords: Int { (byteCount + 3) / 4 * 4 }

    /// Whether it is one row of numbers for each input: a batch is but more rows.
    var isRow: Bool { elementType == .float32 && shape.rank == 2 && shape[0] == 1 }
}

extension Shape {
    /// Without a leading 1: how one input, or one output, is told to people and callers.
    var withoutBatch: Shape { rank > 0 && self[0] == 1 ? Shape(Array(dimensions.dropFirst())) : self }
}
