// SPDX-License-Identifier: MIT

import Graphs
import Operators

/// Lets a depthwise convolution sum its output's rows while it writes them, where squeeze-and-excitation takes their mean: the
/// image is not read again.
struct MeanFromRowSums: Pass {
    let name = "MeanFromRowSums"

    func run(_ graph: inout Graph) throws {
        let readers = graph.readers()
        for (index, node) in graph.nodes.enumerated() {
            guard var conv = node.op as? FusedConvolution, !conv.hasRowSums,
                conv.isDepthwise(graph.fact(node.inputs[0]).shape, weight: graph.fact(node.inputs[1]).shape),
                let mean = readers[node.outputs[0]].first(where: { isGlobalMean(graph.nodes[$0].op) })
            else { continue }
            let shape = graph.fact(node.outputs[0]).shape
            conv.hasRowSums = true
            let sums = try graph.addOutput(index, with: conv, name: node.name + ":row_sums")
            try graph.replaceNode(mean, with: MeanOfRowSums(pixels: shape[2] * shape[3]), inputs: [sums])
        }
    }

    private func isGlobalMean(_ op: any Operator) -> Bool {
        guard let pool = op as? AdaptivePool else { return false }
        return !pool.isMax && pool.outputSize == [1, 1]
    }
}
