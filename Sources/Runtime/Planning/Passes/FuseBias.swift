// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

/// Makes the addition of a constant for each channel, behind a product that has no bias, its bias.
struct FuseBias: Pass {
    let name = "FuseBias"

    func run(_ graph: inout Graph) throws {
        let readers = graph.readers()
        for node in graph.nodes {
            guard let next = readers.only(node.outputs[0]), (graph.nodes[next].op as? Binary)?.function == .add,
                let other = graph.nodes[next].inputs.first(where: { $0 != node.outputs[0] }),
                let bias = graph.constant(other), !bias.isPlaceholder, bias.elementType == .float32,
                graph.fact(node.outputs[0]).shape == graph.fact(graph.nodes[next].outputs[0]).shape
            else { continue }
            let result = graph.fact(node.outputs[0]).shape
            if var conv = node.op as? FusedConvolution, !conv.hasBias, conv.batchNormEpsilon == nil,
                isPerChannel(bias.shape, axis: 1, of: result)
            {
                conv.hasBias = true
                var operands = conv.operands(node.inputs + [other])
                operands.bias = graph.addConstant(graph[other].name, try bias.reshaped(to: [result[1]]))
                try graph.fuse(node, into: next, as: conv, inputs: operands.all)
            } else if var linear = node.op as? FusedLinear, !linear.hasBias,
                isPerChannel(bias.shape, axis: result.rank - 1, of: result)
            {
                linear.hasBias = true
                let vector = graph.addConstant(
                    graph[other].name, try bias.reshaped(to: [result[result.rank - 1]]))
                try graph.fuse(node, into: next, as: linear, inputs: node.inputs + [vector])
            }
        }
    }

    /// Whether a shape that is broadcast to another has as many elements as its axis, and all of them along that.
    private func isPerChannel(_ shape: Shape, axis: Int, of result: Shape) -> Bool {
        let own = axis - (result.rank - shape.rank)
        return own >= 0 && shape.elementCount == result[axis] && shape[own] == result[axis]
    }
}
