// SPDX-License-Identifier: MIT

/// Weights and architectures that don't belong together.
public enum ModelError: Error, Equatable, Sendable, CustomStringConvertible {
    case unrecognised(nearest: WeightsAudit?)
    case doesNotFit(WeightsAudit)
    case unknownArchitecture(String, known: [String])
    /// A name says of weights that they are those of a network that isn't known, though they fit one that is.
    case lookalike(String, fits: String)

    /// One line: what, where, what was expected.
    public var description: String {
        switch self {
        case .unrecognised(let nearest?):
            "the weights belong to no known architecture; the nearest is \(nearest); \(Self.wayOut)"
        case .unrecognised(nearest: nil):
            "the weights belong to no known architecture, and no name in them is known; \(Self.wayOut)"
        case .doesNotFit(let audit):
            "the weights don't fit \(audit)"
        case .lookalike(let name, let fitting):
            """
            '\(name)' names a network that is not known; its weights have the names of \(fitting)'s, which would answer \
            something else; \(Self.twoLines); --architecture \(fitting) takes them all the same
            """
        case .unknownArchitecture(let name, let known):
            "there is no architecture '\(name)'; \(known.count) are known, as \(Self.alike(name, known).joined(separator: ", "))"
        }
    }

    /// The names that begin as a wrong one does, else the first; some of them.
    private static func alike(_ name: String, _ known: [String]) -> ArraySlice<String> {
        let start = name.utf8.prefix(4)
        let alike = known.filter { $0.utf8.starts(with: start) }
        return (alike.isEmpty ? known : alike).prefix(12)
    }

    /// What helps with any other network.
    private static var wayOut: String {
        "known are \(Architecture.names.joined(separator: ", ")); \(twoLines)"
    }

    private static var twoLines: String {
        """
        any other network comes with its file: in Python, \
        program = torch.export.export(model.eval(), (torch.zeros(1, 3, 224, 224),)); torch.export.save(program, "model.pt2")
        """
    }
}
