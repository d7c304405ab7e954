// SPDX-License-Identifier: MIT

import Graphs
import Operators

/// Leaves a multiplication of an image's channels to the 1x1 convolution that is its only reader, which multiplies its weights in the
/// image's place, if it has no more weights than the image has values.
struct ScaleIntoWeights: Pass {
    let name = "ScaleIntoWeights"

    func run(_ graph: inout Graph) throws {
        let readers = graph.readers()
        for node in graph.nodes {
            guard (node.op as? Binary)?.function == .mul, let (image, factors) = operands(of: node, in: graph),
                let next = readers.only(node.outputs[0]), var conv = graph.nodes[next].op as? FusedConvolution,
                !conv.hasScale, conv.convolution.groups == 1, conv.convolution.window == SlidingWindow(kernel: [1, 1])
            else { continue }
            let shape = graph.fact(image).shape
            var inputs = conv.operands(graph.nodes[next].inputs)
            guard inputs.x == node.outputs[0], graph.fact(inputs.weight).shape[0] <= shape[2] * shape[3] else {
                continue
            }
            conv.hasScale = true
            inputs.x = image
            inputs.scale = factors
            try graph.replaceNode(next, with: conv, inputs: inputs.all)
        }
    }

    private func operands(of node: Graph.Node, in graph: Graph) -> (image: Graph.ValueID, factors: Graph.ValueID)? {
        let facts = node.inputs.map(graph.fact)
        for (image, factors) in [(0, 1), (1, 0)] {
            let shape = facts[image].shape
            if shape.rank == 4, facts[image].constant == nil, facts[factors].constant == nil,
                facts[factors].shape == [shape[0], shape[1], 1, 1], shape[2] * shape[3] > 1
            {
                return (node.inputs[image], node.inputs[factors])
            }
        }
        return nil
    }
}
