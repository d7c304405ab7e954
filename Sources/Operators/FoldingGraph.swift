// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// A graph that an importer makes: what depends on no input is computed at once, by the operators' references, within limits.
package struct FoldingGraph {
    /// What may be spent.
    package struct Limits: Sendable {
        /// Elements of one value.
        package var maxElements: Int
        /// Dimensions of one value.
        package var maxRank: Int
        /// Bytes that folding may give, all together.
        package var maxBytes: Int
        /// Steps that folding may take, all together.
        package var maxWork: Int

        /// Names the limits.
        package init(maxElements: Int, maxRank: Int, maxBytes: Int, maxWork: Int) {
            self.maxElements = maxElements
            self.maxRank = maxRank
            self.maxBytes = maxBytes
            self.maxWork = maxWork
        }
    }

    /// A limit that was reached.
    package struct LimitError: Error {
        /// What there is too much of.
        package let what: String
        /// How much is let through.
        package let limit: Int
    }

    /// The graph as far as it stands.
    package var graph = Graph()
    private let limits: Limits
    private var bytes = 0
    private var work = 0

    /// An empty graph.
    package init(_ limits: Limits) { self.limits = limits }

    /// Checks that a value is not larger than can be.
    ///
    /// - Throws: `LimitError`.
    package func checkSize(_ shape: Shape) throws {
        guard shape.elementCount <= limits.maxElements, shape.rank <= limits.maxRank else {
            throw LimitError(what: "elements of one value", limit: limits.maxElements)
        }
    }

    /// Adds a node, or computes it at once if all that it reads is known.
    ///
    /// - Throws: `GraphError`, `TensorError` for inputs that do not fit; `LimitError`.
    package mutating func add(
        _ op: any Operator, _ inputs: [Graph.ValueID], name: String
    ) throws -> [Graph.ValueID] {
        let facts = inputs.map(graph.fact)
        let outputs = try op.outputs(for: facts)
        for output in outputs { try checkSize(output.shape) }
        let tensors = inputs.compactMap(graph.constant)
        guard tensors.count == inputs.count, !inputs.isEmpty else { return try graph.add(op, inputs, name: name) }
        let cost = op.referenceCost(for: facts)
        let size = outputs.reduce(0) { $0 + $1.elementCount * $1.elementType.byteCount }
        guard cost <= limits.maxWork - work, size <= limits.maxBytes - bytes else {
            throw LimitError(what: "steps or bytes to compute what depends on no input", limit: limits.maxWork)
        }
        work += cost
        bytes += size
        let results = try op.evaluate(tensors)
        let quantized = try quantized(op, inputs)
        return results.enumerated().map { index, tensor in
            let id = graph.addConstant(results.count == 1 ? name : "\(name):\(index)", tensor)
            graph[id].fact.quantized = quantized
            return id
        }
    }

    /// The integers that an operator's result is made of: those that it scales, or the transposed ones of a matrix.
    private func quantized(_ op: any Operator, _ inputs: [Graph.ValueID]) throws -> QuantizedConstant? {
        switch op {
        case let dequantize as DequantizeLinear where dequantize.quantization.blockSize == 0:
            guard let integers = graph.constant(inputs[0]), let scale = graph.constant(inputs[1]) else { return nil }
            return QuantizedConstant(
                integers: integers, scale: scale, zeroPoint: inputs.count > 2 ? graph.constant(inputs[2]) : nil,
                axis: dequantize.quantization.axis)
        case let transpose as Transpose where transpose.permutation == [1, 0]:
            guard var quantized = graph.fact(inputs[0]).quantized else { return nil }
            quantized.integers = try transpose.evaluate([quantized.integers])[0]
            quantized.axis = 1 - quantized.axis
            return quantized
        default: return nil
        }
    }
}
