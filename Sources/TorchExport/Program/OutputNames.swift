// SPDX-License-Identifier: MIT

import JSON

/// Names for what a program gives, from the keys of the dictionaries in which its `forward` returned it.
///
/// - Source: `torch/utils/_pytree.py`, `treespec_dumps`.
enum OutputNames {
    private static let maxTextBytes = 1 << 20
    private static let maxNameBytes = 1024

    /// Reads the text that says how the outputs hung together.
    ///
    /// - Returns: For each output the keys on the way to it, joined by dots, and its place in lists that stand under a key; nil for
    ///   one under no key. Nothing if the text is not understood, or a name is too long.
    static func read(_ text: String) -> [String?] {
        guard text.utf8.count <= maxTextBytes, let items = try? JSONValue(parsing: Array(text.utf8)).array,
            items.count == 2
        else { return [] }
        var names: [String?] = []
        return collect(items[1], under: nil, &names) ? names : []
    }

    /// Calls itself for what a node holds: not deeper than JSON is read.
    ///
    /// - Returns: Whether no name is too long.
    private static func collect(_ node: JSONValue, under path: String?, _ names: inout [String?]) -> Bool {
        if let path, path.utf8.count > maxNameBytes { return false }
        let children = node["children_spec"]?.array ?? []
        guard node["type"]?.string != nil else {
            names.append(path)
            return true
        }
        let keys = keys(of: node, count: children.count)
        return children.enumerated().allSatisfy { index, child in
            let own =
                keys.map { (path.map { $0 + "." } ?? "") + $0[index] } ?? path.map { "\($0).\(index)" }
            return collect(child, under: own, &names)
        }
    }

    /// A dictionary's keys, in the order of what it holds.
    private static func keys(of node: JSONValue, count: Int) -> [String]? {
        guard let context = node["context"]?.string,
            let keys = try? JSONValue(parsing: Array(context.utf8)).array, keys.count == count
        else { return nil }
        let texts = keys.compactMap { key in
            if case .integer(let number) = key { String(number) } else { key.string }
        }
        return texts.count == count ? texts : nil
    }
}

extension ProgramMessage {
    /// What the caller gets: its argument, and the name that the program's `forward` has for it, if it has one.
    var results: [(name: String?, argument: Argument)] {
        var arguments: [Argument] = []
        for case .user(let argument) in outputs { arguments.append(argument) }
        // Names of something else are none.
        let names = outputNames.count == arguments.count ? outputNames : []
        return arguments.enumerated().map { ($0 < names.count ? names[$0] : nil, $1) }
    }
}
