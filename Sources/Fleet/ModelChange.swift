// SPDX-License-Identifier: MIT

/// What a client has changed of the models that are served.
package enum ModelChange: Equatable, Sendable {
    /// Serve a model too.
    case load(String)
    /// Serve a model no longer.
    case unload(String)
    /// Serve this version, `name@version`, in place of those that are served.
    case use(String)

    private var word: String {
        switch self {
        case .load: "load"
        case .unload: "unload"
        case .use: "use"
        }
    }

    /// The model, with the version where there is one.
    private var reference: String {
        switch self {
        case .load(let model), .unload(let model), .use(let model): model
        }
    }

    private var name: String { Self.name(of: reference) }

    private static func name(of reference: String) -> String { String(reference.prefix { $0 != "@" }) }

    /// The models that are served after the change, as `name` or `name@version`.
    package func applied(to served: [String]) -> [String] {
        switch self {
        case .load(let model): return served.contains(model) ? served : served + [model]
        case .unload: return served.filter { Self.name(of: $0) != name }
        case .use(let version):
            guard let place = served.firstIndex(where: { Self.name(of: $0) == name }) else { return served + [version] }
            return served[..<place] + [version] + served[place...].filter { Self.name(of: $0) != name }
        }
    }

    // MARK: The file that keeps them

    /// Adds a change to those before it, of which it makes some void.
    package static func added(_ change: ModelChange, to changes: [ModelChange]) -> [ModelChange] {
        changes.filter { old in
            if case .load = change { return old != change }
            return old.name != change.name
        } + [change]
    }

    /// The changes as a file, one a line: `use rotation@1`.
    package static func text(of changes: [ModelChange]) -> String {
        changes.map { "\($0.word) \($0.reference)\n" }.joined()
    }

    /// Reads such a file.
    ///
    /// - Throws: ``ConfigurationError/malformedLine`` with the line's number.
    package static func changes(in text: String) throws(ConfigurationError) -> [ModelChange] {
        var changes: [ModelChange] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let words = line.split(separator: " ")
            switch (words.first, words.count) {
            case (nil, _): continue
            case ("load", 2): changes.append(.load(String(words[1])))
            case ("unload", 2): changes.append(.unload(String(words[1])))
            case ("use", 2): changes.append(.use(String(words[1])))
            default: throw .at(place: "line \(index + 1)", .malformedLine)
            }
        }
        return changes
    }
}
