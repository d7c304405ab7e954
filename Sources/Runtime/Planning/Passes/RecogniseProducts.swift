// SPDX-License-Identifier: MIT

import Graphs
import Kernels
import Operators
import Tensors

/// Gives convolutions, linear layers, residual additions and batch norms the operators into which later passes fuse what follows:
/// `Conv` of images, `Linear`, `MatMul` with constant weights, `Add` of one shape, global means.
struct RecogniseProducts: Pass {
    let name = "RecogniseProducts"

    func run(_ graph: inout Graph) throws {
        for index in graph.nodes.indices {
            let node = graph.nodes[index]
            let facts = node.inputs.map(graph.fact)
            switch node.op {
            case let conv as Convolution where facts[0].shape.rank == 4 && facts[0].shape[0] == 1:
                guard facts.dropFirst().allSatisfy({ $0.constant != nil }), isFloat(facts) else { continue }
                let fused = FusedConvolution(convolution: conv, hasBias: facts.count == 3)
                try graph.replaceNode(index, with: fused, inputs: node.inputs)
            case is Linear where facts.dropFirst().allSatisfy({ $0.constant != nil }) && isFloat(facts):
                try graph.replaceNode(index, with: FusedLinear(hasBias: facts.count == 3), inputs: node.inputs)
            case is MatMul where facts[1].constant != nil && facts[1].shape.rank == 2 && isFloat(facts):
                guard facts[0].constant == nil else { continue }
                try graph.replaceNode(
                    index, with: FusedLinear(hasBias: false, hasTransposedWeight: true), inputs: node.inputs)
            case let add as Binary where add.function == .add && facts[0].shape == facts[1].shape:
                guard facts.allSatisfy({ $0.constant == nil }), isFloat(facts) else { continue }
                try graph.replaceNode(index, with: FusedAdd(), inputs: node.inputs)
            case let norm as BatchNormalization where facts[0].shape[0] == 1 && isFloat(facts):
                guard facts.dropFirst().allSatisfy({ $0.constant != nil }) else { continue }
                try graph.replaceNode(index, with: FusedBatchNormalization(normalization: norm), inputs: node.inputs)
            case let reduce as Reduce where reduce.function == .mean && reduce.axes == [2, 3] && reduce.keepDimensions:
                guard facts[0].shape.rank == 4, facts[0].shape.elementCount > 0 else { continue }
                try graph.replaceNode(index, with: AdaptivePool(outputSize: [1, 1]), inputs: node.inputs)
            default:
                continue
            }
        }
    }

    private func isFloat(_ facts: [Fact]) -> Bool { facts.allSatisfy { $0.elementType.isFloatingPoint } }
}
