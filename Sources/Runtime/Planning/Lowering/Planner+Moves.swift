// SPDX-License-Identifier: MIT

import Graphs
import Kernels
import Operators
import Tensors

extension Planner {
    /// The same numbers in another order.
    mutating func lowerReorder(_ node: Graph.Node) {
        let (from, to) = (fact(node.inputs[0]), fact(node.outputs[0]))
        guard from.elementType.byteCount == 4 else { return lowerByReference(node) }
        let (input, output) = (resolved(node.inputs[0]), node.outputs[0].index)
        let copy = StridedCopy(
            dimensions: to.order.axes.map { to.shape[$0] },
            strides: to.order.axes.map { from.order.strides(of: from.shape.dimensions)[$0] })
        append(
            Draft(
                summary: summary(
                    node, operation: "reorder to \(to.order)",
                    algorithm: copy.isTransposition ? "transpose" : "strided copy",
                    reason: "the reader needs another order"),
                reads: [input], writes: [output],
                make: { slot in StridedCopyStep(output: slot(output), input: .slot(slot(input)), copy: copy) }))
    }

    /// By the operator's reference: slow, but right.
    mutating func lowerByReference(_ node: Graph.Node) {
        let op = node.op
        let inputs = node.inputs.map { (operand: operand($0), fact: fact($0)) }
        let outputs = node.outputs.map { ($0.index, fact($0)) }
        append(
            Draft(
                summary: summary(
                    node, operation: op.name.lowercased(), algorithm: "reference", reason: "no kernel does it"),
                reads: inputs.flatMap(\.operand.reads), writes: outputs.map(\.0),
                make: { slot in
                    ReferenceStep(
                        op: op, inputs: inputs.map { ($0.operand.source(slot), $0.fact) },
                        outputs: outputs.map { (slot($0.0), $0.1) })
                }))
    }
}
