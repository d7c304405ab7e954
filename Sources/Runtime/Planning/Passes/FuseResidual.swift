// SPDX-License-Identifier: MIT

import Graphs
import Operators

/// Lets a convolution or a linear layer add a residual while it writes, if nothing else reads what it would have written before
/// the addition.
struct FuseResidual: Pass {
    let name = "FuseResidual"

    func run(_ graph: inout Graph) throws {
        let readers = graph.readers()
        for (index, node) in graph.nodes.enumerated() {
            guard isProduct(node, in: graph), let next = readers.only(node.outputs[0]),
                graph.nodes[next].op is FusedAdd,
                let other = graph.nodes[next].inputs.first(where: { $0 != node.outputs[0] })
            else { continue }
            var inputs = graph.nodes[index].inputs
            inputs.append(other)
            if var conv = node.op as? FusedConvolution {
                conv.hasResidual = true
                try graph.fuse(node, into: next, as: conv, inputs: inputs)
            } else if var linear = node.op as? FusedLinear {
                linear.hasResidual = true
                try graph.fuse(node, into: next, as: linear, inputs: inputs)
            }
        }
    }

    private func isProduct(_ node: Graph.Node, in graph: Graph) -> Bool {
        switch node.op {
        case let conv as FusedConvolution:
            !conv.hasResidual
                && !conv.isDepthwise(graph.fact(node.inputs[0]).shape, weight: graph.fact(node.inputs[1]).shape)
        case let linear as FusedLinear: !linear.hasResidual
        default: false
        }
    }
}
