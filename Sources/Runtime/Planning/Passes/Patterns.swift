// SPDX-License-Identifier: MIT

import Graphs
import Operators

/// Looks at a graph against the direction of its values: from what a node gives to what it is made of.
struct Patterns {
    let graph: Graph
    private let producers: [Graph.ValueID: Int]

    init(_ graph: Graph) {
        self.graph = graph
        producers = graph.producers()
    }

    /// The node that writes a value.
    func node(_ value: Graph.ValueID) -> Graph.Node? { producers[value].map { graph.nodes[$0] } }

    /// A number, if the value is one that is known.
    func scalar(_ value: Graph.ValueID) -> Double? {
        guard let tensor = graph.constant(value), tensor.elementCount == 1 else { return nil }
        return tensor.doubles().first
    }

    /// Whether a value is a known number, but for rounding.
    func isScalar(_ value: Graph.ValueID, _ expected: Double) -> Bool {
        scalar(value).map { isClose($0, expected) } ?? false
    }

    /// The operand of a function that gives a value.
    func operand(of value: Graph.ValueID, where matches: (Unary.Function) -> Bool) -> Graph.ValueID? {
        guard let node = node(value), let unary = node.op as? Unary, matches(unary.function) else { return nil }
        return node.inputs[0]
    }

    /// The operands of a function of two values that gives a value.
    func operands(of value: Graph.ValueID, _ function: Binary.Function) -> (Graph.ValueID, Graph.ValueID)? {
        guard let node = node(value), let binary = node.op as? Binary, binary.function == function else { return nil }
        return (node.inputs[0], node.inputs[1])
    }

    /// The value to which a known number is added.
    func addend(of value: Graph.ValueID, plus number: Double) -> Graph.ValueID? {
        guard let (left, right) = operands(of: value, .add) else { return nil }
        return isScalar(right, number) ? left : isScalar(left, number) ? right : nil
    }

    /// A value as a known number times other values: what products and quotients of numbers it is made of.
    func factors(of value: Graph.ValueID, depth: Int = 4) -> (scale: Double, values: [Graph.ValueID]) {
        if let number = scalar(value) { return (number, []) }
        if depth > 0, let (left, right) = operands(of: value, .mul) {
            let (first, second) = (factors(of: left, depth: depth - 1), factors(of: right, depth: depth - 1))
            return (first.scale * second.scale, first.values + second.values)
        }
        if depth > 0, let (left, right) = operands(of: value, .div), let number = scalar(right) {
            let first = factors(of: left, depth: depth - 1)
            return (first.scale / number, first.values)
        }
        return (1, [value])
    }

    /// Whether two values are of one type and shape.
    func isAlike(_ left: Graph.ValueID, _ right: Graph.ValueID) -> Bool { graph.fact(left).isAlike(graph.fact(right)) }
}

/// Whether two numbers are the same but for the rounding to Float32 of one of them.
func isClose(_ left: Double, _ right: Double) -> Bool { abs(left - right) <= 1e-5 * abs(right) }

/// A pass that finds functions of one element where a product stands.
protocol ProductPass: Pass {
    /// The function, and what it is of, that a number times some values is.
    func function(
        _ scale: Double, _ values: [Graph.ValueID], _ patterns: Patterns
    ) -> (function: Unary.Function, operand: Graph.ValueID)?
}

extension ProductPass {
    /// Replaces the products that are found.
    public func run(_ graph: inout Graph) throws {
        let patterns = Patterns(graph)
        for index in graph.nodes.indices {
            let output = graph.nodes[index].outputs[0]
            guard let binary = graph.nodes[index].op as? Binary, binary.function == .mul || binary.function == .div
            else { continue }
            let (scale, values) = patterns.factors(of: output)
            guard let found = function(scale, values, patterns), patterns.isAlike(found.operand, output) else {
                continue
            }
            try graph.replaceNode(index, with: Unary(found.function), inputs: [found.operand])
        }
    }
}
