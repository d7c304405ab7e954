// SPDX-License-Identifier: MIT

import Kernels
import Tensors

/// One thing that a network does to values.
enum Operation: Sendable {
    case input
    case conv2d(Conv2d)
    case batchNorm2d(BatchNorm2d)
    case linear(Linear)
    case activation(Activation)
    case maxPool2d(Window)
    case avgPool2d(Window, countIncludePad: Bool)
    case adaptiveAvgPool2d
    case softmax(logarithm: Bool)
    case flatten
    case add
    case scaleChannels
}

/// The record of a network's wiring, in the order in which it was wired. Lives while a plan is made.
final class Graph {
    struct Node {
        let operation: Operation
        let inputs: [Int]
        let shape: Shape
        let name: String
    }

    private(set) var nodes: [Node] = []

    init() {}

    func append(_ operation: Operation, inputs: [Value], shape: Shape, name: String) -> Value {
        for input in inputs {
            precondition(input.graph === self, "a value of another network's wiring was used in layer '\(name)'")
        }
        nodes.append(Node(operation: operation, inputs: inputs.map(\.index), shape: shape, name: name))
        return Value(graph: self, index: nodes.count - 1)
    }

    /// For each node, the nodes that read it, in order.
    func consumers() -> [[Int]] {
        var result = [[Int]](repeating: [], count: nodes.count)
        for (index, node) in nodes.enumerated() {
            for input in node.inputs { result[input].append(index) }
        }
        return result
    }
}
