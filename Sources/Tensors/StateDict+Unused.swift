// SPDX-License-Identifier: MIT

extension StateDict {
    /// Which tensor of which dictionary a weight is.
    package struct Origin: Sendable {
        package let contents: Contents
        package let name: String
    }

    /// What a whole dictionary holds, the same for all of its parts: tells which weights nobody has read.
    package final class Contents: Sendable {
        private let weights: [String]

        init(_ entries: [(name: String, tensor: Tensor)]) {
            // Counts of training steps and tables of indices say nothing that a layer would read.
            weights = entries.filter { $0.tensor.elementType.isFloatingPoint }.map(\.name)
        }

        /// - Parameter read: The names that layers have read.
        /// - Throws: `TensorError.unusedTensors` if there are others that are not allowed.
        package func check(read: Set<String>, allowing allowed: UnusedWeights) throws {
            let unused = weights.filter { !read.contains($0) && !allowed.contains($0) }
            guard unused.isEmpty else { throw TensorError.unusedTensors(names: unused, of: weights.count) }
        }
    }
}

/// The weights that a network may leave unread, though its state dict has them: by default none, since weights that no layer reads
/// are most often another network's.
///
/// An array literal names tensors, or what stands before their names: `["aux1", "fc.bias"]`.
public enum UnusedWeights: Sendable, Equatable, ExpressibleByArrayLiteral {
    /// These tensors, and all below these prefixes.
    case named([String])
    /// Whatever is left.
    case any

    /// Names tensors, or prefixes without their dots.
    public init(arrayLiteral elements: String...) { self = .named(elements) }

    func contains(_ name: String) -> Bool {
        switch self {
        case .named(let names): names.contains { name == $0 || name.hasPrefix($0 + ".") }
        case .any: true
        }
    }
}
