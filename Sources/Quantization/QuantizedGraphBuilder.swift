// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

/// Copies a graph, with quantisations between its nodes.
struct QuantizedGraphBuilder {
    private let source: Graph
    private var folding = FoldingGraph(
        FoldingGraph.Limits(maxElements: 1 << 31, maxRank: 64, maxBytes: 1 << 36, maxWork: 1 << 40))
    private var floats: [Graph.ValueID: Graph.ValueID] = [:]
    private var bytes: [Graph.ValueID: Graph.ValueID] = [:]

    init(_ source: Graph) {
        self.source = source
        for input in source.inputs {
            floats[input] = folding.graph.addInput(source[input].name, source.fact(input))
        }
    }

    /// The copy of a value.
    func float(_ id: Graph.ValueID) -> Graph.ValueID {
        guard let copy = floats[id] else { preconditionFailure("'\(source[id].name)' is read before it is written") }
        return copy
    }

    mutating func constant(_ name: String, _ tensor: Tensor) -> Graph.ValueID {
        folding.graph.addConstant(name, tensor)
    }

    /// A value through bytes and back.
    mutating func quantized(_ id: Graph.ValueID, _ scale: ActivationScale) throws -> Graph.ValueID {
        if let known = bytes[id] { return known }
        let name = source[id].name
        let numbers = [
            folding.graph.addConstant(name + ":scale", Tensor([scale.scale], shape: [])),
            folding.graph.addConstant(name + ":zero", try Tensor([scale.zero], as: .uint8, shape: [])),
        ]
        let quantized = try folding.graph.add(
            QuantizeLinear(to: .uint8, Quantization()), [float(id)] + numbers, name: name + ":quantize")
        let result = try folding.graph.add(
            DequantizeLinear(Quantization()), quantized + numbers, name: name + ":dequantize")[0]
        bytes[id] = result
        return result
    }

    /// Weights as signed bytes, a scale for each output.
    mutating func weight(_ name: String, _ tensor: Tensor, axis: Int) throws -> Graph.ValueID {
        let (values, outputs) = (tensor.floats(), tensor.shape[axis])
        let inner = tensor.shape.dimensions[(axis + 1)...].reduce(1, *)
        var largest = [Float](repeating: 0, count: outputs)
        for (place, value) in values.enumerated() {
            let output = place / inner % outputs
            largest[output] = max(largest[output], abs(value))
        }
        let scales = largest.map { max($0 / 127, 1e-12) }
        let integers = values.enumerated().map { place, value in
            Int(min(127, max(-127, (value / scales[place / inner % outputs]).rounded(.toNearestOrEven))))
        }
        let inputs = [
            folding.graph.addConstant(name, try Tensor(integers, as: .int8, shape: tensor.shape)),
            folding.graph.addConstant(name + ":scale", Tensor(scales, shape: [outputs])),
        ]
        return try folding.add(DequantizeLinear(Quantization(axis: axis)), inputs, name: name + ":dequantized")[0]
    }

    mutating func add(_ node: Graph.Node, _ inputs: [Graph.ValueID]) throws {
        let outputs = try folding.graph.add(
            node.op, inputs, name: node.name, outputNames: node.outputs.map { source[$0].name })
        for (old, new) in zip(node.outputs, outputs) { floats[old] = new }
    }

    func finished() -> Graph {
        var graph = folding.graph
        graph.setOutputs(zip(source.outputNames, source.outputs).map { ($0, float($1)) })
        return graph
    }
}
