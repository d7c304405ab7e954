// SPDX-License-Identifier: MIT

import Graphs
import Operators

/// Layer norm where a file spells it: (x - mean) / sqrt(mean((x - mean)²) + epsilon) * scale + bias, along the last axes.
struct RecogniseLayerNormalization: Pass {
    let name = "RecogniseLayerNormalization"

    func run(_ graph: inout Graph) throws {
        let patterns = Patterns(graph)
        for index in graph.nodes.indices {
            let output = graph.nodes[index].outputs[0]
            guard let (first, second) = patterns.operands(of: output, .add) else { continue }
            for (product, bias) in [(first, second), (second, first)] where graph.constant(bias) != nil {
                guard let (left, right) = patterns.operands(of: product, .mul) else { continue }
                for (quotient, scale) in [(left, right), (right, left)] where graph.constant(scale) != nil {
                    guard let found = normalized(quotient, patterns), patterns.isAlike(found.x, output),
                        fits(scale, found, graph), fits(bias, found, graph)
                    else { continue }
                    try graph.replaceNode(
                        index, with: LayerNormalization(axis: found.axis, epsilon: found.epsilon),
                        inputs: [found.x, scale, bias])
                }
            }
        }
    }

    private typealias Found = (x: Graph.ValueID, axis: Int, epsilon: Double)

    private func fits(_ parameter: Graph.ValueID, _ found: Found, _ graph: Graph) -> Bool {
        graph.fact(parameter).shape.dimensions == Array(graph.fact(found.x).shape.dimensions[found.axis...])
    }

    /// What a quotient normalises.
    private func normalized(_ value: Graph.ValueID, _ patterns: Patterns) -> Found? {
        guard let (difference, deviation) = patterns.operands(of: value, .div),
            let centred = centred(difference, patterns),
            let shifted = patterns.operand(of: deviation, where: { $0 == .sqrt }),
            let (left, right) = patterns.operands(of: shifted, .add)
        else { return nil }
        for (variance, epsilon) in [(left, right), (right, left)] {
            guard let number = patterns.scalar(epsilon), let node = patterns.node(variance),
                let reduce = node.op as? Reduce, reduce.function == .mean, reduce.axes == centred.axes,
                let root = root(node.inputs[0], patterns), let other = self.centred(root, patterns),
                other.x == centred.x, other.axes == centred.axes
            else { continue }
            let rank = patterns.graph.fact(centred.x).shape.rank
            guard let axis = centred.axes.first, centred.axes == Array(axis..<rank) else { continue }
            return (centred.x, axis, number)
        }
        return nil
    }

    /// x and the axes of x - mean(x).
    private func centred(_ value: Graph.ValueID, _ patterns: Patterns) -> (x: Graph.ValueID, axes: [Int])? {
        guard let (x, mean) = patterns.operands(of: value, .sub), let node = patterns.node(mean),
            let reduce = node.op as? Reduce, reduce.function == .mean, reduce.keepDimensions, node.inputs[0] == x
        else { return nil }
        return (x, reduce.axes)
    }

    /// What a value is the square of.
    private func root(_ value: Graph.ValueID, _ patterns: Patterns) -> Graph.ValueID? {
        if let (left, right) = patterns.operands(of: value, .mul), left == right { return left }
        guard let (base, exponent) = patterns.operands(of: value, .pow), patterns.isScalar(exponent, 2) else {
            return nil
        }
        return base
    }
}
