// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

/// Runs a graph that is not too much work, and checks that its outputs are what it told.
func run(_ graph: Graph) {
    let work = graph.nodes.reduce(0) { sum, node in
        let (value, overflow) = sum.addingReportingOverflow(node.op.referenceCost(for: node.inputs.map(graph.fact)))
        return overflow ? .max : value
    }
    guard work < 1 << 18 else { return }
    let inputs = graph.inputs.compactMap { id -> Tensor? in
        let fact = graph.fact(id)
        return try? Tensor(
            shape: fact.shape, elementType: fact.elementType,
            storage: TensorStorage(byteCount: fact.byteCount) { bytes in
                for index in bytes.indices where index % 3 == 0 { bytes[index] = UInt8(index % 120) }
            })
    }
    guard inputs.count == graph.inputs.count, let results = try? graph.evaluate(inputs) else { return }
    for (result, id) in zip(results, graph.outputs) {
        precondition(result.shape == graph.fact(id).shape, "an output of another shape than was told")
        precondition(result.elementType == graph.fact(id).elementType, "an output of another type than was told")
    }
}
