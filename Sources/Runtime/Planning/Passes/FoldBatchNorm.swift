// SPDX-License-Identifier: MIT

import Graphs

/// Lets a convolution do the batch norm that is its only reader: its weights are multiplied when they are packed.
struct FoldBatchNorm: Pass {
    let name = "FoldBatchNorm"

    func run(_ graph: inout Graph) throws {
        let readers = graph.readers()
        for node in graph.nodes {
            guard var conv = node.op as? FusedConvolution, conv.batchNormEpsilon == nil,
                let next = readers.only(node.outputs[0]),
                let norm = graph.nodes[next].op as? FusedBatchNormalization, norm.activation == .none
            else { continue }
            var operands = conv.operands(node.inputs)
            operands.batchNorm = Array(graph.nodes[next].inputs.dropFirst())
            conv.batchNormEpsilon = norm.normalization.epsilon
            try graph.fuse(node, into: next, as: conv, inputs: operands.all)
        }
    }
}
