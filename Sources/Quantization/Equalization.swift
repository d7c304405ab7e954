// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension QuantizableGraph {
    /// The same network with channels between two convolutions brought nearer to each other's size: those of one tensor share a scale, which
    /// the largest sets. What one convolution's channel is divided by, the next one multiplies with.
    ///
    /// Only where ReLU or nothing stands between, which commute with factors.
    ///
    /// - Parameter largest: The largest magnitude of each channel, for convolutions' outputs.
    /// - Returns: The graph, and how many pairs were equalised.
    /// - Throws: `GraphError`.
    /// - Source: Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", section 4.1.
    func equalized(_ largest: [Graph.ValueID: [Float]]) throws -> (graph: Graph, pairs: Int) {
        var result = graph
        let readers = graph.readers()
        var pairs = 0
        for index in layers where graph.nodes[index].op is Convolution {
            let node = graph.nodes[index]
            guard let ranges = largest[node.outputs[0]], let top = ranges.max(), top > 0 else { continue }
            var (value, next) = (node.outputs[0], readers.only(node.outputs[0]))
            if let reader = next, let unary = graph.nodes[reader].op as? Unary, unary.function == .relu {
                value = graph.nodes[reader].outputs[0]
                next = readers.only(value)
            }
            guard let next, layers.contains(next), let conv = graph.nodes[next].op as? Convolution,
                graph.nodes[next].inputs[0] == value,
                let weight = result.constant(result.nodes[index].inputs[1])?.floats(),
                let following = result.constant(result.nodes[next].inputs[1])?.floats()
            else { continue }
            // The root of the ratio: some of the spread is left to the next one's weights.
            let factors = ranges.map { max(0.1, ($0 / top).squareRoot()) }
            let depth = weight.count / factors.count
            let scaled = weight.indices.map { weight[$0] / factors[$0 / depth] }
            var inputs = result.nodes[index].inputs
            inputs[1] = result.addConstant(
                result[inputs[1]].name, Tensor(scaled, shape: result.fact(inputs[1]).shape))
            if inputs.count > 2, let bias = result.constant(inputs[2])?.floats() {
                inputs[2] = result.addConstant(
                    result[inputs[2]].name, Tensor(bias.indices.map { bias[$0] / factors[$0] }, shape: [bias.count]))
            }
            try result.replaceNode(index, with: node.op, inputs: inputs)
            var others = result.nodes[next].inputs
            let shape = result.fact(others[1]).shape
            let (outputs, channels, taps) = (shape[0], shape[1], shape.dimensions[2...].reduce(1, *))
            let multiplied = following.indices.map { place -> Float in
                let output = place / (channels * taps)
                let group = output / (outputs / conv.groups)
                return following[place] * factors[group * channels + place / taps % channels]
            }
            others[1] = result.addConstant(result[others[1]].name, Tensor(multiplied, shape: shape))
            try result.replaceNode(next, with: conv, inputs: others)
            pairs += 1
        }
        return (result, pairs)
    }
}
