// SPDX-License-Identifier: MIT

import Tensors

/// How weights compare with those that an architecture takes.
public struct WeightsAudit: Sendable, Equatable, CustomStringConvertible {
    /// A weight that is there, but of another shape or type.
    public struct Mismatch: Sendable, Equatable {
        /// The weight's name.
        public let name: String
        /// The shape that the network takes.
        public let expected: Shape
        /// The shape that is there.
        public let actual: Shape
    }

    /// The architecture compared with.
    public let architecture: String
    /// Names that the network takes and that are not there.
    public let missing: [String]
    /// Names that are there and that the network doesn't take.
    public let unexpected: [String]
    /// Names that are there under another shape.
    public let mismatched: [Mismatch]
    /// Number of weights that are as expected.
    public let matching: Int

    init(architecture: String, expected: [(name: String, shape: Shape)], weights: StateDict) {
        self.architecture = architecture
        var missing: [String] = []
        var mismatched: [Mismatch] = []
        for (name, shape) in expected {
            guard let tensor = weights.tensor(named: name) else {
                missing.append(name)
                continue
            }
            if tensor.shape != shape { mismatched.append(Mismatch(name: name, expected: shape, actual: tensor.shape)) }
        }
        let known = Set(expected.map(\.name))
        unexpected = weights.names.filter { !known.contains($0) && !Self.isCount($0) }
        matching = expected.count - missing.count - mismatched.count
        self.missing = missing
        self.mismatched = mismatched
    }

    /// Whether a name is that of a count of training steps, which says nothing to a network that only answers.
    static func isCount(_ name: String) -> Bool { name.hasSuffix("num_batches_tracked") }

    /// Whether the weights are just those that the network takes.
    public var isExact: Bool { missing.isEmpty && unexpected.isEmpty && mismatched.isEmpty }

    /// From 0 to 1: the share of names, on both sides, that agree; those whose shapes differ count half.
    var likeness: Double {
        let all = matching + mismatched.count + missing.count + unexpected.count
        return all == 0 ? 0 : (Double(matching) + 0.5 * Double(mismatched.count)) / Double(all)
    }

    /// One line: what is missing, left over or of another shape, with the first few names of each.
    public var description: String {
        var parts: [String] = []
        if !missing.isEmpty { parts.append("missing \(list(missing))") }
        if !unexpected.isEmpty { parts.append("unexpected \(list(unexpected))") }
        if !mismatched.isEmpty {
            parts.append(
                "wrong shape " + list(mismatched.map { "\($0.name) is \($0.actual), expected \($0.expected)" }))
        }
        let verdict = parts.isEmpty ? "all weights fit" : parts.joined(separator: "; ")
        return "\(architecture): \(matching) weights fit, \(verdict)"
    }

    private func list(_ names: [String]) -> String {
        let shown = names.prefix(3).joined(separator: ", ")
        return names.count > 3 ? "\(names.count): \(shown), ..." : "\(names.count): \(shown)"
    }
}
