// SPDX-License-Identifier: MIT

import Graphs
import Operators

/// Attention where a file spells it: softmax(scale * query · keyᵀ + mask) · value.
struct RecogniseAttention: Pass {
    let name = "RecogniseAttention"

    func run(_ graph: inout Graph) throws {
        let patterns = Patterns(graph)
        var index = 0
        while index < graph.nodes.count {
            let node = graph.nodes[index]
            if node.op is MatMul, let found = match(node, patterns) {
                index += try replace(index, found, patterns, &graph)
            }
            index += 1
        }
    }

    private struct Found {
        var query: Graph.ValueID
        var transposedKey: Graph.ValueID
        var value: Graph.ValueID
        var scale: Double
        var mask: Graph.ValueID?
    }

    private func match(_ node: Graph.Node, _ patterns: Patterns) -> Found? {
        let graph = patterns.graph
        guard let softmax = patterns.node(node.inputs[0]), let op = softmax.op as? Softmax, !op.isLogarithm,
            op.axis == graph.fact(softmax.inputs[0]).shape.rank - 1
        else { return nil }
        var scores = softmax.inputs[0]
        var mask: Graph.ValueID?
        if let (left, right) = patterns.operands(of: scores, .add) {
            let isLeft = isProduct(left, patterns)
            guard isLeft || isProduct(right, patterns) else { return nil }
            (scores, mask) = isLeft ? (left, right) : (right, left)
        }
        let outer = patterns.factors(of: scores)
        guard outer.values.count == 1, let product = patterns.node(outer.values[0]), product.op is MatMul else {
            return nil
        }
        // Exporters scale query and key, each by the root of the scale.
        let (query, key) = (patterns.factors(of: product.inputs[0]), patterns.factors(of: product.inputs[1]))
        guard query.values.count == 1, key.values.count == 1 else { return nil }
        let rank = graph.fact(query.values[0]).shape.rank
        guard rank >= 3, [key.values[0], node.inputs[1]].allSatisfy({ graph.fact($0).shape.rank == rank }) else {
            return nil
        }
        return Found(
            query: query.values[0], transposedKey: key.values[0], value: node.inputs[1],
            scale: outer.scale * query.scale * key.scale, mask: mask)
    }

    private func isProduct(_ value: Graph.ValueID, _ patterns: Patterns) -> Bool {
        let factors = patterns.factors(of: value)
        return factors.values.count == 1 && patterns.node(factors.values[0])?.op is MatMul
    }

    /// Replaces the last product; answers how many nodes stand in front of it more than before.
    private func replace(
        _ index: Int, _ found: Found, _ patterns: Patterns, _ graph: inout Graph
    ) throws -> Int {
        let shape = graph.fact(found.transposedKey).shape
        var permutation = Array(0..<shape.rank)
        permutation.swapAt(shape.rank - 1, shape.rank - 2)
        var source = found.transposedKey
        if let node = patterns.node(source), let transpose = node.op as? Transpose {
            permutation = permutation.map { transpose.permutation[$0] }
            source = node.inputs[0]
        }
        let isPlain = permutation == Array(0..<shape.rank)
        let op = Attention(scale: found.scale)
        let keyFact = Fact(
            graph.fact(source).elementType, .init(permutation.map { graph.fact(source).shape[$0] }))
        let facts =
            [graph.fact(found.query), keyFact, graph.fact(found.value)] + (found.mask.map { [graph.fact($0)] } ?? [])
        // Where the shapes are not attention's, the parts stay.
        guard let output = try? op.outputs(for: facts).first,
            output.isAlike(graph.fact(graph.nodes[index].outputs[0]))
        else { return 0 }
        var key = source
        if !isPlain {
            key = try graph.insert(
                Transpose(permutation), [source], name: graph.nodes[index].name + ":key", before: index)[0]
        }
        let inputs = [found.query, key, found.value] + [found.mask].compactMap(\.self)
        try graph.replaceNode(index + (isPlain ? 0 : 1), with: op, inputs: inputs)
        return isPlain ? 0 : 1
    }
}
