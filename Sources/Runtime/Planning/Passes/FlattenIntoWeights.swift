// SPDX-License-Identifier: MIT

import Graphs
import Operators

/// Lets linear layers read an image as it stands, if only they read the vector that it is flattened to: their weights are
/// reordered when they are packed.
struct FlattenIntoWeights: Pass {
    let name = "FlattenIntoWeights"

    func run(_ graph: inout Graph) throws {
        let readers = graph.readers()
        for node in graph.nodes {
            guard node.op is Reshape, !graph.outputs.contains(node.outputs[0]) else { continue }
            let found = readers[node.outputs[0]]
            let (image, vector) = (graph.fact(node.inputs[0]).shape, graph.fact(node.outputs[0]).shape)
            guard image.rank == 4, image[0] == 1, vector == [1, image.elementCount],
                found.allSatisfy({ reads(graph.nodes[$0], node.outputs[0]) })
            else { continue }
            for reader in found {
                guard var linear = graph.nodes[reader].op as? FusedLinear else { continue }
                linear.flattensImage = true
                try graph.replaceNode(
                    reader, with: linear, inputs: [node.inputs[0]] + graph.nodes[reader].inputs.dropFirst())
            }
        }
    }

    /// Whether a node is a linear layer of the vector, which reads it nowhere else.
    private func reads(_ node: Graph.Node, _ vector: Graph.ValueID) -> Bool {
        node.op is FusedLinear && node.inputs[0] == vector && node.inputs.filter { $0 == vector }.count == 1
    }
}
