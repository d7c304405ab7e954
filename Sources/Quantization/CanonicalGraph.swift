// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Runtime
import Tensors

extension Graph {
    /// The same network with batch norms folded into the convolutions before them, and functions that a file spells in pieces as one
    /// operator each: what is quantised.
    ///
    /// - Throws: `GraphError`, `TensorError`.
    func canonical() throws -> Graph {
        var graph = self
        let patterns = ["RecogniseGELU", "RecogniseSiLU", "RecogniseHardSwish"]
        for pass in Passes.all where patterns.contains(pass.name) {
            try pass.run(&graph)
            graph.removeUnread()
        }
        try graph.foldBatchNorms()
        return graph
    }

    private mutating func foldBatchNorms() throws {
        let (readers, producers) = (readers(), producers())
        for index in nodes.indices {
            guard let norm = nodes[index].op as? BatchNormalization, let before = producers[nodes[index].inputs[0]],
                readers.only(nodes[index].inputs[0]) == index, let conv = nodes[before].op as? Convolution,
                let weight = constant(nodes[before].inputs[1])?.floats()
            else { continue }
            let numbers = nodes[index].inputs.dropFirst().compactMap { constant($0)?.floats() }
            let bias = nodes[before].inputs.count > 2 ? constant(nodes[before].inputs[2])?.floats() : nil
            guard numbers.count == 4, bias != nil || nodes[before].inputs.count == 2 else { continue }
            let (outputs, shape) = (numbers[0].count, fact(nodes[before].inputs[1]).shape)
            let factors = (0..<outputs).map {
                Double(numbers[0][$0]) / (Double(numbers[3][$0]) + norm.epsilon).squareRoot()
            }
            let depth = weight.count / max(1, outputs)
            let folded = weight.indices.map { Float(Double(weight[$0]) * factors[$0 / depth]) }
            let shifts = (0..<outputs).map { index -> Float in
                let centred = Double(bias?[index] ?? 0) - Double(numbers[2][index])
                return Float(centred * factors[index] + Double(numbers[1][index]))
            }
            let names = (weight: self[nodes[before].inputs[1]].name, bias: nodes[before].name + ".bias")
            let inputs = [
                nodes[before].inputs[0], addConstant(names.weight, Tensor(folded, shape: shape)),
                addConstant(names.bias, Tensor(shifts, shape: [outputs])),
            ]
            try replaceNode(index, with: conv, inputs: inputs, name: nodes[before].name)
        }
        removeUnread()
    }
}
