// SPDX-License-Identifier: MIT

import Graphs
import Kernels
import Operators

/// Lets the step before apply an activation that is the only reader of what it writes: convolutions, linear layers, additions, batch norms.
struct FuseActivation: Pass {
    let name = "FuseActivation"

    func run(_ graph: inout Graph) throws {
        let readers = graph.readers()
        for node in graph.nodes {
            guard let next = readers.only(node.outputs[0]), let unary = graph.nodes[next].op as? Unary,
                let activation = Activation(unary.function), let op = fused(node.op, activation)
            else { continue }
            try graph.fuse(node, into: next, as: op, inputs: node.inputs)
        }
    }

    private func fused(_ op: any Operator, _ activation: Activation) -> (any Operator)? {
        switch op {
        case var conv as FusedConvolution where conv.activation == .none:
            conv.activation = activation
            return conv
        case var linear as FusedLinear where linear.activation == .none:
            linear.activation = activation
            return linear
        case var add as FusedAdd where add.activation == .none:
            add.activation = activation
            return add
        case var norm as FusedBatchNormalization where norm.activation == .none:
            norm.activation = activation
            return norm
        default:
            return nil
        }
    }
}
