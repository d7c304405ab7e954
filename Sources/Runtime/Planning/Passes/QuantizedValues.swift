// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

/// Looks at a graph for values that stand for bytes.
///
/// Made of a graph whose nodes get other operators meanwhile, but no other places.
struct QuantizedValues {
    private let readers: Graph.Readers
    private let producers: [Graph.ValueID: Int]

    init(_ graph: Graph) {
        readers = graph.readers()
        producers = graph.producers()
    }

    /// Bytes, and what they stand for.
    struct Source {
        let bytes: Graph.ValueID
        let scale: TensorScale
    }

    /// The bytes that a value of Floats is made of.
    func source(_ value: Graph.ValueID, in graph: Graph) -> Source? {
        guard let node = node(value, in: graph), node.op is DequantizeLinear, graph.constant(node.inputs[0]) == nil,
            graph.fact(node.inputs[0]).elementType == .uint8, let scale = scale(node, graph)
        else { return nil }
        return Source(bytes: node.inputs[0], scale: scale)
    }

    /// The node that makes bytes of a value of Floats, if it is the value's only reader.
    func target(_ value: Graph.ValueID, in graph: Graph) -> (node: Int, scale: TensorScale)? {
        guard let next = readers.only(value), let op = graph.nodes[next].op as? QuantizeLinear,
            op.elementType == .uint8, let scale = scale(graph.nodes[next], graph)
        else { return nil }
        return (next, scale)
    }

    /// The node that writes a value.
    func node(_ value: Graph.ValueID, in graph: Graph) -> Graph.Node? { producers[value].map { graph.nodes[$0] } }

    /// The one scale of a quantisation of bytes.
    private func scale(_ node: Graph.Node, _ graph: Graph) -> TensorScale? {
        guard let scale = graph.constant(node.inputs[1]), scale.elementCount == 1,
            scale.elementType == .float32, let factor = scale.floats().first, factor > 0, factor.isFinite
        else { return nil }
        guard node.inputs.count > 2 else { return TensorScale(scale: factor, zero: 0) }
        guard let zero = graph.constant(node.inputs[2])?.integers().first else { return nil }
        return TensorScale(scale: factor, zero: zero)
    }
}

/// The weights of a product as signed bytes with a scale for each output, or one.
struct QuantizedWeights {
    /// A row for each output.
    let integers: Tensor
    let scale: Tensor

    /// - Parameter outputAxis: Along which the outputs' weights lie.
    /// - Returns: nil if they were made of no such integers.
    init?(_ fact: Fact, outputAxis: Int) {
        guard let quantized = fact.quantized, quantized.integers.shape == fact.shape,
            quantized.scale.elementType == .float32,
            quantized.scale.elementCount == 1
                || (quantized.axis == outputAxis && quantized.scale.shape == [fact.shape[outputAxis]])
        else { return nil }
        let zeros = Set(quantized.zeroPoint?.integers() ?? [0])
        switch quantized.integers.elementType {
        case .int8 where zeros == [0]: integers = quantized.integers
        case .uint8 where zeros == [128]:
            guard
                let signed = try? Tensor(
                    quantized.integers.integers().map { $0 - 128 }, as: .int8, shape: fact.shape)
            else { return nil }
            integers = signed
        default: return nil
        }
        scale = quantized.scale
    }
}
