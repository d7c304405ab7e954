// SPDX-License-Identifier: MIT

import Graphs

/// Lets an integer product put its bytes through the table that is their only reader.
struct FuseTables: Pass {
    let name = "FuseTables"

    func run(_ graph: inout Graph) throws {
        let readers = graph.readers()
        for node in graph.nodes {
            guard var product = node.op as? IntegerProduct, product.output != nil, product.table == nil,
                let next = readers.only(node.outputs[0]), let lookUp = graph.nodes[next].op as? IntegerLookUp
            else { continue }
            product.table = lookUp.table
            try graph.fuse(node, into: next, as: product, inputs: node.inputs)
        }
    }
}
