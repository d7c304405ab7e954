// SPDX-License-Identifier: MIT

import JSON

extension ModelDescription {
    /// The keys that a description may have, by where they stand.
    static let knownKeys: [String: [String]] = [
        "": ["schema", "name", "architecture", "description", "input", "output", "labels", "versions"],
        "input": [
            "width", "height", "channels", "preprocessing", "layout", "color", "resize", "scale", "mean", "std",
        ],
        "input.resize": ["mode", "size", "interpolation"],
        "output": ["activation"],
        "versions.N": [
            "file", "files", "sha256", "bytes", "trainedBy", "trained", "epoch", "trainAccuracy", "testAccuracy",
            "testSet",
            "notes",
        ],
    ]

    /// Refuses keys that nobody knows: a misspelt one would be passed over in silence.
    ///
    /// - Throws: `InferenceError.invalidDescription` with the keys that are known there.
    static func checkKeys(_ bytes: [UInt8], path: String) throws {
        // What is no JSON is the decoder's to say.
        guard let whole = try? JSONValue(parsing: bytes) else { return }
        try check(whole, at: "", path: path)
        if let input = whole["input"] {
            try check(input, at: "input", path: path)
            if let resize = input["resize"] { try check(resize, at: "input.resize", path: path) }
        }
        if let output = whole["output"] { try check(output, at: "output", path: path) }
        for version in whole["versions"]?.members ?? [] {
            try check(version.value, at: "versions.N", path: path)
        }
    }

    private static func check(_ value: JSONValue, at place: String, path: String) throws {
        let known = knownKeys[place] ?? []
        for member in value.members ?? [] where !known.contains(where: { $0.utf8.elementsEqual(member.name.utf8) }) {
            let key = place.isEmpty ? member.name : "\(place).\(member.name)"
            throw InferenceError.invalidDescription(
                path: path,
                reason: "'\(key)' is no key that is known there; these are: \(known.joined(separator: ", "))")
        }
    }
}
