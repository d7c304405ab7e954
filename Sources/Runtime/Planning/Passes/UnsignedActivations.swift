// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

/// Makes activations that are quantised to signed bytes unsigned ones, whose zero point is 128 more: what integer kernels take. The
/// numbers that they stand for are the same.
struct UnsignedActivations: Pass {
    let name = "UnsignedActivations"

    func run(_ graph: inout Graph) throws {
        var index = 0
        while index < graph.nodes.count {
            let node = graph.nodes[index]
            index += 1
            guard let quantize = node.op as? QuantizeLinear, quantize.elementType == .int8,
                !graph.outputs.contains(node.outputs[0]), let zero = zeroPoint(node, graph)
            else { continue }
            let found = graph.readers()[node.outputs[0]]
            guard !found.isEmpty, found.allSatisfy({ isPlain(graph.nodes[$0], zero, graph) }) else { continue }
            let shifted = graph.addConstant(
                graph[node.outputs[0]].name + ":zero", try Tensor([zero + 128], as: .uint8, shape: []))
            let output = try graph.insert(
                QuantizeLinear(to: .uint8, Quantization()), [node.inputs[0], node.inputs[1], shifted], name: node.name,
                before: index - 1)[0]
            for reader in found {
                // One node stands in front of it more than before.
                let dequantize = graph.nodes[reader + 1]
                try graph.replaceNode(
                    reader + 1, with: DequantizeLinear(Quantization()), inputs: [output, dequantize.inputs[1], shifted])
            }
            index += 1
        }
    }

    /// The zero point, if there is one scale for the whole tensor.
    private func zeroPoint(_ node: Graph.Node, _ graph: Graph) -> Int? {
        guard graph.constant(node.inputs[1])?.elementCount == 1 else { return nil }
        guard node.inputs.count > 2 else { return 0 }
        return graph.constant(node.inputs[2])?.integers().first
    }

    /// Whether a node undoes the quantisation for the whole tensor with the same zero point.
    private func isPlain(_ node: Graph.Node, _ zero: Int, _ graph: Graph) -> Bool {
        node.op is DequantizeLinear && zeroPoint(node, graph) == zero
    }
}
