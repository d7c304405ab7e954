// SPDX-License-Identifier: MIT

extension Importer {
    /// The nodes in an order in which they can run: the file's if they can run in it.
    ///
    /// - Throws: `ONNXError.malformed` with the nodes that wait for each other.
    func sorted(_ nodes: [NodeMessage]) throws -> [NodeMessage] {
        var producers: [String: Int] = [:]
        for (index, node) in nodes.enumerated() {
            for output in node.outputs where !output.isEmpty { producers[output] = index }
        }
        let needed = nodes.map { node in Set(node.allInputs.compactMap { producers[$0] }) }
        if needed.enumerated().allSatisfy({ index, others in others.allSatisfy { $0 < index } }) { return nodes }
        var missing = needed.map(\.count)
        var readers = [[Int]](repeating: [], count: nodes.count)
        for (index, others) in needed.enumerated() {
            for other in others { readers[other].append(index) }
        }
        var ready = nodes.indices.filter { missing[$0] == 0 }
        var next = 0
        while next < ready.count {
            for reader in readers[ready[next]] {
                missing[reader] -= 1
                if missing[reader] == 0 { ready.append(reader) }
            }
            next += 1
        }
        guard ready.count == nodes.count else {
            let names = nodes.indices.filter { missing[$0] > 0 }.prefix(8).map { nodes[$0].shownName }
            throw ONNXError.malformed(reason: "these nodes wait for each other: \(names.joined(separator: ", "))")
        }
        return ready.map { nodes[$0] }
    }
}

extension NodeMessage {
    /// What the node reads, and what graphs within it read from outside, or may.
    fileprivate var allInputs: [String] {
        inputs.filter { !$0.isEmpty } + graphs.flatMap { $0.nodes.flatMap(\.allInputs) + $0.outputs.map(\.name) }
    }
}
