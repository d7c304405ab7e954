// SPDX-License-Identifier: MIT

import Tensors

extension Graph {
    /// Who reads each value.
    public struct Readers: Sendable {
        fileprivate var nodes: [[Int]]
        fileprivate var outputs: Set<ValueID>

        /// The indices of the nodes that read a value, in order; a node that reads it twice stands there twice.
        public subscript(value: ValueID) -> [Int] { nodes[value.index] }

        /// The only node that reads a value that the caller does not get.
        public func only(_ value: ValueID) -> Int? {
            nodes[value.index].count == 1 && !outputs.contains(value) ? nodes[value.index][0] : nil
        }
    }

    /// Who reads each value now: no longer true once nodes are inserted or removed.
    public func readers() -> Readers {
        var result = Readers(nodes: [[Int]](repeating: [], count: values.count), outputs: Set(outputs))
        for (index, node) in nodes.enumerated() {
            for input in node.inputs { result.nodes[input.index].append(index) }
        }
        return result
    }

    /// For each value that a node writes, the node's index.
    public func producers() -> [ValueID: Int] {
        var result: [ValueID: Int] = [:]
        for (index, node) in nodes.enumerated() {
            for output in node.outputs { result[output] = index }
        }
        return result
    }

    /// Lets everyone who reads a value read another one in its place.
    ///
    /// - Throws: `GraphError.replacement` if the other one is of another type, shape or order.
    public mutating func replace(_ old: ValueID, by new: ValueID) throws {
        guard fact(old).isInterchangeable(with: fact(new)) else {
            throw GraphError.replacement(
                of: self[old].name, expected: fact(old).description, actual: fact(new).description)
        }
        for index in nodes.indices {
            nodes[index].inputs = nodes[index].inputs.map { $0 == old ? new : $0 }
        }
        outputs = outputs.map { $0 == old ? new : $0 }
    }

    /// Gives a node another operator and other inputs, for outputs of the same types and shapes.
    ///
    /// - Throws: `GraphError.node` if the inputs do not fit, `.replacement` if the outputs become others.
    public mutating func replaceNode(
        _ index: Int, with op: any Operator, inputs: [ValueID], name: String? = nil
    ) throws {
        let node = nodes[index]
        let facts: [Fact]
        do {
            facts = try op.outputs(for: inputs.map(fact))
        } catch let error as GraphError {
            throw GraphError.node(name: node.name, reason: error.description)
        }
        for (output, fact) in zip(node.outputs, facts) where !self.fact(output).isAlike(fact) {
            throw GraphError.replacement(
                of: self[output].name, expected: self.fact(output).description, actual: fact.description)
        }
        precondition(facts.count == node.outputs.count, "\(op.name) has other outputs than \(node.op.name)")
        nodes[index].op = op
        nodes[index].inputs = inputs
        if let name { nodes[index].name = name }
    }

    /// Lets a node read other values of the same types and shapes: the same ones in another order.
    public mutating func setInputs(_ index: Int, _ inputs: [ValueID]) {
        precondition(
            zip(inputs, nodes[index].inputs).allSatisfy { fact($0).isAlike(fact($1)) },
            "node '\(nodes[index].name)' would read values of other shapes")
        nodes[index].inputs = inputs
    }

    /// Gives a node another operator that has one output more.
    ///
    /// - Returns: The new output.
    /// - Throws: `GraphError.node` if the node's inputs do not fit.
    public mutating func addOutput(_ index: Int, with op: any Operator, name: String) throws -> ValueID {
        let facts = try op.outputs(for: nodes[index].inputs.map(fact))
        precondition(facts.count == nodes[index].outputs.count + 1, "\(op.name) has not one output more")
        let output = addValue(name, facts[facts.count - 1])
        nodes[index].op = op
        nodes[index].outputs.append(output)
        return output
    }

    /// Removes the nodes that nobody reads, and those that only they read.
    public mutating func removeUnread() {
        var needed = Set(outputs)
        var kept: [Node] = []
        for node in nodes.reversed() where node.outputs.contains(where: needed.contains) {
            needed.formUnion(node.inputs)
            kept.append(node)
        }
        nodes = kept.reversed()
    }

    /// Brings the nodes into an order in which they can run: the present one if they can run in it.
    ///
    /// - Throws: `GraphError.cycle` with the nodes that wait for each other.
    public mutating func sort() throws {
        let producers = producers()
        let isSorted = nodes.enumerated().allSatisfy { index, node in
            node.inputs.allSatisfy { producers[$0].map { $0 < index } ?? true }
        }
        if isSorted { return }
        let readers = readers()
        var missing = nodes.map { node in Set(node.inputs.compactMap { producers[$0] }).count }
        var ready = nodes.indices.filter { missing[$0] == 0 }
        var sorted: [Node] = []
        sorted.reserveCapacity(nodes.count)
        var next = 0
        while next < ready.count {
            let index = ready[next]
            next += 1
            sorted.append(nodes[index])
            let following = Set(nodes[index].outputs.flatMap { readers[$0] })
            for reader in following.sorted() {
                missing[reader] -= 1
                if missing[reader] == 0 { ready.append(reader) }
            }
        }
        guard sorted.count == nodes.count else {
            throw GraphError.cycle(nodes: nodes.indices.filter { missing[$0] > 0 }.map { nodes[$0].name })
        }
        nodes = sorted
    }

    /// Checks what every pass must keep: nodes stand behind those that they read from, each value has one producer, and each
    /// operator gives the facts that its outputs have.
    ///
    /// - Throws: `GraphError.node` with the first node that is not so.
    public func check() throws {
        var known = Set(inputs)
        for node in nodes {
            for input in node.inputs where !known.contains(input) && constant(input) == nil {
                throw GraphError.node(name: node.name, reason: "it reads '\(self[input].name)' before it is written")
            }
            let facts = try node.op.outputs(for: node.inputs.map(fact))
            guard facts.count == node.outputs.count,
                zip(node.outputs, facts).allSatisfy({ fact($0).isAlike($1) })
            else {
                throw GraphError.node(
                    name: node.name,
                    reason:
                        "\(node.op.name) gives \(facts.map(\.description)), not \(node.outputs.map { fact($0).description })"
                )
            }
            for output in node.outputs where !known.insert(output).inserted {
                throw GraphError.node(name: node.name, reason: "'\(self[output].name)' is written twice")
            }
        }
        for output in outputs where !known.contains(output) && constant(output) == nil {
            throw GraphError.node(name: self[output].name, reason: "an output that nothing writes")
        }
    }
}
