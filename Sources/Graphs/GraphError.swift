// SPDX-License-Identifier: MIT

/// What can be wrong with a graph that comes from outside.
public enum GraphError: Error, Equatable, Sendable, CustomStringConvertible {
    /// An operator was given what it cannot take: the operator's name, what it got and what it expected.
    case invalidInput(operator: String, reason: String)
    /// A node's inputs do not fit: the node's name and why.
    case node(name: String, reason: String)
    /// Nodes that wait for each other's outputs.
    case cycle(nodes: [String])
    /// A replacement of another type, shape or order.
    case replacement(of: String, expected: String, actual: String)

    /// One line: what, where, what was expected.
    public var description: String {
        switch self {
        case .invalidInput(let name, let reason): return "\(name): \(reason)"
        case .node(let name, let reason): return "node '\(name)': \(reason)"
        case .cycle(let nodes):
            return "these nodes wait for each other: \(nodes.prefix(8).joined(separator: ", "))"
        case .replacement(let name, let expected, let actual):
            return "value '\(name)' (\(expected)) cannot be replaced by one of \(actual)"
        }
    }
}
