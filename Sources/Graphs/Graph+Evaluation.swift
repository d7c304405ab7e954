// SPDX-License-Identifier: MIT

import Tensors

extension Graph {
    /// The outputs' numbers, by the operators' slow references.
    ///
    /// - Parameter inputs: A tensor for each input, of its type and shape.
    /// - Throws: `GraphError.node` for a tensor that does not fit, or an operator that can't take its numbers.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        guard inputs.count == self.inputs.count else {
            throw GraphError.node(name: "inputs", reason: "takes \(self.inputs.count), not \(inputs.count)")
        }
        var known: [ValueID: Tensor] = [:]
        for (id, tensor) in zip(self.inputs, inputs) {
            guard tensor.shape == fact(id).shape, tensor.elementType == fact(id).elementType else {
                throw GraphError.node(
                    name: self[id].name,
                    reason: "takes \(fact(id)), not \(tensor.elementType.rawValue) \(tensor.shape)")
            }
            known[id] = tensor
        }
        var lastReaders: [ValueID: Int] = [:]
        for (index, node) in nodes.enumerated() {
            for input in node.inputs { lastReaders[input] = index }
        }
        for output in outputs { lastReaders[output] = nodes.count }
        func number(_ id: ValueID) throws -> Tensor {
            guard let tensor = known[id] ?? constant(id) else {
                throw GraphError.node(name: self[id].name, reason: "is read before it is written")
            }
            return tensor
        }
        for (index, node) in nodes.enumerated() {
            let results: [Tensor]
            do {
                results = try node.op.evaluate(node.inputs.map(number))
            } catch let error as GraphError {
                throw GraphError.node(name: node.name, reason: error.description)
            }
            for (output, tensor) in zip(node.outputs, results) { known[output] = tensor }
            for input in node.inputs where lastReaders[input] == index { known[input] = nil }
        }
        return try outputs.map(number)
    }
}
