// SPDX-License-Identifier: MIT

import Graphs
import Kernels
import Operators

/// Lets the step before apply an activation that is the only reader of what it writes: convolutions, linear layers, additions, batch norms.
///
/// Products that can run in integers are left with nothing but bounds, which these apply: another activation would have them run in floats.
struct FuseActivation: Pass {
    let name = "FuseActivation"

    func run(_ graph: inout Graph) throws {
        let (readers, producers) = (graph.readers(), graph.producers())
        for node in graph.nodes {
            guard let next = readers.only(node.outputs[0]), let unary = graph.nodes[next].op as? Unary,
                let activation = Activation(unary.function), let op = fused(node.op, activation)
            else { continue }
            let isProduct = op is FusedConvolution || op is FusedLinear
            if isProduct, !activation.isBounds, let before = producers[node.inputs[0]],
                graph.nodes[before].op is DequantizeLinear, graph.fact(node.inputs[1]).quantized != nil
            {
                continue
            }
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
