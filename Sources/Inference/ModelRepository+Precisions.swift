// SPDX-License-Identifier: MIT

import Checkpoints
import SystemCalls

extension ModelRepository {
    /// Makes sure, before the work whose result is to be added, that this user may add it.
    ///
    /// - Throws: An error of the system.
    public func checkCanAdd(to name: String, version: Int) throws {
        let folder = folder(of: name) ?? "\(path)/\(name)"
        for place in [folder, "\(folder)/\(version)"] { try FileSystem.checkCanWrite(in: place) }
    }

    /// Puts a file in another precision into a version that exists.
    ///
    /// - Parameters:
    ///   - bytes: The network's file, which has its own graph.
    ///   - details: What was measured; the file's name, size and sum are filled in.
    ///   - replaces: Whether a file of this precision may be replaced.
    /// - Returns: The version with the file.
    /// - Throws: `InferenceError`, or an error of the system; what was there stays then.
    public func add(
        _ bytes: [UInt8], as precision: Precision, to name: String, version: Int,
        details: ModelDescription.PrecisionFile, replaces: Bool
    ) throws -> Entry {
        var description = try description(of: name)
        guard var known = description.versions[String(version)] else {
            throw InferenceError.unknownVersion(model: name, version: version, known: description.versionNumbers)
        }
        guard known.files[precision] == nil || replaces else {
            throw InferenceError.precisionExists(precision, model: name, version: version)
        }
        let folder = folder(of: name) ?? "\(path)/\(name)"
        let path = "\(folder)/\(version)/\(details.file)"
        let output = try FileWriter(replacing: path)
        try output.write(bytes)
        try output.finish()
        var details = details
        details.bytes = bytes.count
        details.sha256 = bytes.withUnsafeBytes { SHA256.hexadecimal(of: $0) }
        known.files[precision] = details
        description.versions[String(version)] = known
        try description.write(to: folder)
        return try entry(name, version: version, precision: precision)
    }
}

extension ModelDescription {
    /// Writes `model.json` into a model's folder, in the place of what is there.
    ///
    /// - Throws: An error of the system.
    func write(to folder: String) throws {
        let output = try FileWriter(replacing: "\(folder)/model.json")
        try output.write(Array(json.prettyText.utf8))
        try output.finish()
    }
}
