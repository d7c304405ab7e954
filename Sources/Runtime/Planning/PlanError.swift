// SPDX-License-Identifier: MIT

/// What can be asked of a plan that it can't do.
public enum PlanError: Error, Equatable, Sendable, CustomStringConvertible {
    /// An algorithm that does not suit a node, or that nobody knows.
    case unsuitedAlgorithm(node: String, algorithm: String, suited: [String])
    /// No convolution and no linear layer has this name.
    case unknownNode(String)
    /// Prepared weights that another graph, machine or program has prepared.
    case foreignWeights(expected: String, actual: String)

    /// One line: what, where, what was expected.
    public var description: String {
        switch self {
        case .unsuitedAlgorithm(let node, let algorithm, let suited):
            return "'\(algorithm)' can't do '\(node)'; these can: \(suited.joined(separator: ", "))"
        case .unknownNode(let node):
            return "there is no convolution or linear layer '\(node)' whose algorithm could be chosen"
        case .foreignWeights(let expected, let actual):
            return "the prepared weights are those of plan \(actual), this process would run \(expected)"
        }
    }
}
