// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

/// A network in Float32, and which of its nodes could run in 8-bit integers.
struct QuantizableGraph {
    let graph: Graph
    /// The indices of nodes with weights: convolutions, linear layers. What people call layers.
    let layers: [Int]
    /// For each node, the last layer that it depends on by nodes that are no layers: its own activation, pooling, addition. Itself for a
    /// layer; nothing for what stands before all layers.
    private let owners: [Int?]
    private let readers: Graph.Readers
    private let producers: [Graph.ValueID: Int]

    init(_ graph: Graph) {
        self.graph = graph
        readers = graph.readers()
        let producers = graph.producers()
        let layers = graph.nodes.indices.filter { Self.isLayer(graph.nodes[$0], graph) }
        var owners: [Int?] = Array(layers.first.map { 0..<$0 } ?? 0..<graph.nodes.count).map { _ in nil }
        let isLayer = Set(layers)
        for index in owners.count..<graph.nodes.count {
            let before = graph.nodes[index].inputs.compactMap { producers[$0] }.compactMap { owners[$0] }
            owners.append(isLayer.contains(index) ? index : before.max())
        }
        (self.producers, self.layers, self.owners) = (producers, layers, owners)
    }

    /// Whether a node is a product with constant weights.
    private static func isLayer(_ node: Graph.Node, _ graph: Graph) -> Bool {
        guard node.inputs.count > 1, graph.fact(node.outputs[0]).elementType == .float32,
            let weight = graph.constant(node.inputs[1]), weight.elementType == .float32, !weight.isPlaceholder,
            graph.constant(node.inputs[0]) == nil,
            node.inputs.dropFirst().allSatisfy({ graph.constant($0) != nil })
        else { return false }
        switch node.op {
        case is Convolution: return graph.fact(node.inputs[0]).shape.rank == 4
        case is Linear: return true
        case is MatMul: return weight.shape.rank == 2
        default: return false
        }
    }

    /// Whether a node without weights has an integer form.
    private func hasIntegerForm(_ index: Int) -> Bool {
        let node = graph.nodes[index]
        guard (node.inputs + node.outputs).allSatisfy({ graph.fact($0).elementType == .float32 }),
            node.inputs.allSatisfy({ graph.constant($0) == nil })
        else { return false }
        let shapes = node.inputs.map { graph.fact($0).shape }
        switch node.op {
        case is Unary, is Concat, is Transpose, is Reshape: return true
        case let binary as Binary:
            let isScaling =
                shapes[0].rank == 4 && [shapes[0], [1, shapes[0][1], 1, 1]].contains(shapes[1])
                || shapes[1].rank == 4 && shapes[0] == [1, shapes[1][1], 1, 1]
            return binary.function == .add && shapes[0] == shapes[1] || binary.function == .mul && isScaling
        case let pool as Pool:
            if case .lp = pool.function { return false }
            return shapes[0].rank == 4
        case let pool as AdaptivePool: return !pool.isMax && pool.outputSize == [1, 1]
        default: return false
        }
    }

    /// Whether a node's output keeps the scale of what it reads.
    private func keepsScale(_ node: Graph.Node) -> Bool {
        switch node.op {
        case is Reshape, is Transpose: true
        case let pool as Pool: pool.function == .max
        default: false
        }
    }

    /// The values whose ranges must be known: all that nodes read and write.
    var observed: [Graph.ValueID] {
        var seen = Set<Graph.ValueID>()
        var result: [Graph.ValueID] = []
        for (index, node) in graph.nodes.enumerated() where layers.contains(index) || hasIntegerForm(index) {
            for id in node.inputs + node.outputs
            where graph.constant(id) == nil && graph.fact(id).elementType == .float32 && seen.insert(id).inserted {
                result.append(id)
            }
        }
        return result
    }

    /// The function whose errors count for a value: that of its only reader.
    func function(of id: Graph.ValueID) -> (Double) -> Double {
        guard let reader = readers.only(id), let unary = graph.nodes[reader].op as? Unary else { return { $0 } }
        return { value in
            let result = try? unary.evaluate([Tensor([Float(value)], shape: [1])])[0].floats().first
            return Double(result ?? Float(value))
        }
    }

    /// The scale of each value: that of what it was moved from, where it is only moved.
    func scales(_ ranges: [Graph.ValueID: ValueRange]) -> [Graph.ValueID: ActivationScale] {
        var result = ranges.mapValues { _ in ActivationScale(low: 0, high: 1) }
        for (id, range) in ranges { result[id] = range.quantization(function(of: id)) }
        for node in graph.nodes where keepsScale(node) {
            if let scale = result[node.inputs[0]] { result[node.outputs[0]] = scale }
        }
        return result
    }

    /// The graph with quantisations around all that is to run in integers.
    ///
    /// - Parameters:
    ///   - layers: The indices of the layers with integer weights.
    ///   - activations: The indices of the layers behind which activations, additions and poolings run in integers too.
    /// - Throws: `GraphError`, `TensorError`.
    func quantized(
        layers: Set<Int>, activations: Set<Int>, scales: [Graph.ValueID: ActivationScale]
    ) throws -> Graph {
        var builder = QuantizedGraphBuilder(graph)
        let integers = Set(
            graph.nodes.indices.filter { index in
                layers.contains(index)
                    || owners[index].map { $0 != index && activations.contains($0) } == true && hasIntegerForm(index)
            })
        for (index, node) in graph.nodes.enumerated() {
            let isInteger = integers.contains(index)
            var residualIsFree = true
            let inputs = try node.inputs.map { id in
                if let tensor = graph.constant(id) {
                    let isWeight = layers.contains(index) && id == node.inputs[1]
                    let axis = node.op is MatMul ? 1 : 0
                    return try isWeight
                        ? builder.weight(graph[id].name, tensor, axis: axis)
                        : builder.constant(graph[id].name, tensor)
                }
                guard isInteger, let scale = scales[id], graph.fact(id).elementType == .float32 else {
                    return builder.float(id)
                }
                if isInner(id, integers, index) {
                    // One of a sum's sides can stay within the convolution that adds the other.
                    if !(node.op is Binary) { return builder.float(id) }
                    if residualIsFree {
                        residualIsFree = false
                        return builder.float(id)
                    }
                }
                return try builder.quantized(id, scale)
            }
            try builder.add(node, inputs)
        }
        return builder.finished()
    }

    /// Whether a value need not become bytes between two integer operators, because one step does both.
    private func isInner(_ id: Graph.ValueID, _ integers: Set<Int>, _ reader: Int) -> Bool {
        guard readers.only(id) == reader, let producer = producers[id], integers.contains(producer) else {
            return false
        }
        let (first, second) = (graph.nodes[producer], graph.nodes[reader])
        let isAddition = (first.op as? Binary)?.function == .add
        switch second.op {
        case let unary as Unary:
            return (layers.contains(producer) || isAddition)
                && [.relu, .clip(min: 0, max: 6)].contains(unary.function)
        case let binary as Binary where binary.function == .add:
            guard let conv = first.op as? Convolution, second.inputs[0] != second.inputs[1] else { return false }
            return conv.groups == 1
        default: return false
        }
    }
}
