// SPDX-License-Identifier: MIT

/// What the source code in a TorchScript archive says of its classes: which attributes are parameters and buffers. The others
/// are plain attributes, which no state dict has. The code is read as text, and never run.
///
/// - Source: `torch/csrc/jit/serialization/python_print.cpp`.
struct TorchScriptCode {
    /// The names of parameters and buffers by class, as far as they were looked up.
    private var known: [PickleGlobal: Set<String>?] = [:]
    private let archive: TorchArchive
    private let limits: CheckpointLimits

    init(_ archive: TorchArchive, limits: CheckpointLimits) {
        self.archive = archive
        self.limits = limits
    }

    /// The names of a class's parameters and buffers; nil where the archive has no code for it, as mobile ones.
    mutating func stateNames(of type: PickleGlobal) throws -> Set<String>? {
        if let names = known[type] { return names }
        let path = archive.folder + "code/" + type.module.replacing(".", with: "/") + ".py"
        var names: Set<String>?
        if let entry = archive.zip[path] {
            let text = try entry.verifiedContents(maxBytes: limits.maxPickleBytes, limit: "maxPickleBytes")
            names = Self.stateNames(of: type.name, in: String(decoding: text.bytes, as: UTF8.self))
        }
        known[type] = .some(names)
        return names
    }

    private static func stateNames(of type: String, in text: String) -> Set<String>? {
        var names: Set<String>?
        var isInside = false
        for line in text.split(separator: "\n") {
            if !line.hasPrefix(" ") {
                if isInside { break }
                isInside = line.hasPrefix("class \(type)(")
                continue
            }
            guard isInside, line.hasPrefix("  __parameters__ = [") || line.hasPrefix("  __buffers__ = [") else {
                continue
            }
            // ["weight", "bias", ]
            let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
            names = (names ?? []).union(
                parts.enumerated().filter { !$0.offset.isMultiple(of: 2) }.map { String($0.element) })
        }
        return names
    }
}
