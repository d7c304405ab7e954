// SPDX-License-Identifier: MIT

import JSON
import SystemCalls
import Tensors

/// A program that `torch.export.save` wrote (`.pt2`): its weights and constants by name, and every member as bytes.
///
/// Three layouts are read: raw tensors beside a list of them (PyTorch 2.9 and later), a pickled state dict in `data/weights`
/// (2.8), and pickles at the root of the zip (2.1 to 2.7).
///
/// - Source: `torch/export/pt2_archive/_package.py`, `torch/_export/serde/schema.py`.
package struct ExportArchive: Sendable {
    /// What of a program is wanted.
    package enum Part: String, Sendable {
        /// Parameters and buffers.
        case weights
        /// Tensors that the program holds beside its state dict.
        case constants
    }

    /// The programs in the archive by name; one, called `model`, unless the archive was packed otherwise.
    package let models: [String]
    /// The names of all members, without the archive's folder, in the archive's order.
    package let memberNames: [String]
    private let zip: ZipArchive
    let folder: String
    private let limits: CheckpointLimits

    /// Opens a file.
    ///
    /// - Throws: ``CheckpointError``; `SystemError` where the file cannot be read.
    package static func open(path: String, limits: CheckpointLimits = CheckpointLimits()) throws -> ExportArchive {
        let mapping = try MappedFile(path: path)
        let zip = try ZipArchive(ByteRegion(owner: mapping, bytes: mapping.bytes), limits: limits)
        guard isRecognised(zip) else {
            throw CheckpointError.unsupportedFormat(
                name: "an archive without a program", hint: "torch.export.save writes one")
        }
        return try ExportArchive(zip, limits: limits)
    }

    /// Whether a file is an archive that holds an exported program; no if it can't be read.
    package static func isProgram(path: String) -> Bool {
        guard let mapping = try? MappedFile(path: path),
            let zip = try? ZipArchive(ByteRegion(owner: mapping, bytes: mapping.bytes), limits: CheckpointLimits())
        else { return false }
        return isRecognised(zip)
    }

    /// The archive holds an exported program.
    package static func isRecognised(_ zip: ZipArchive) -> Bool { folder(of: zip) != nil }

    package init(_ zip: ZipArchive, limits: CheckpointLimits) throws {
        guard let folder = Self.folder(of: zip) else { throw CheckpointError.missingEntry("models/model.json") }
        self.zip = zip
        self.folder = folder
        self.limits = limits
        memberNames = zip.entries.filter { $0.name.hasPrefix(folder) }.map { String($0.name.dropFirst(folder.count)) }
        let programs = memberNames.filter { $0.hasPrefix("models/") && $0.hasSuffix(".json") }
        models = programs.isEmpty ? ["model"] : programs.map { String($0.dropFirst(7).dropLast(5)) }
    }

    private static func folder(of zip: ZipArchive) -> String? {
        if zip["serialized_exported_program.json"] != nil { return "" }
        // Every archive of 2.8 and later says what it is, but only the program is needed.
        for entry in zip.entries {
            for name in ["archive_format", "models/model.json"]
            where entry.name == name || entry.name.hasSuffix("/" + name) && entry.name.split(separator: "/").count <= 3
            {
                return String(entry.name.dropLast(name.utf8.count))
            }
        }
        return nil
    }

    /// A member's bytes, unpacked and their checksum verified; nil where there is none of the name.
    ///
    /// - Parameter name: Without the archive's folder: `models/model.json`.
    /// - Throws: ``CheckpointError``.
    package func member(_ name: String) throws -> ByteRegion? {
        try zip[folder + name]?.verifiedContents(maxBytes: limits.maxUnpackedBytes, limit: "maxUnpackedBytes")
    }

    /// The text of a program: JSON as `torch/_export/serde/schema.py` describes it.
    ///
    /// - Throws: ``CheckpointError``.
    package func program(_ model: String) throws -> ByteRegion {
        if let text = try member("models/\(model).json") ?? member("serialized_exported_program.json") { return text }
        throw CheckpointError.missingEntry("models/\(model).json")
    }

    /// The tensors of a program by name, in the archive's order. Their checksums are not verified yet.
    ///
    /// - Throws: ``CheckpointError``.
    package func tensors(_ part: Part, of model: String) throws -> [(name: String, tensor: StoredTensor)] {
        if let list = try member("data/\(part.rawValue)/\(model)_\(part.rawValue)_config.json") {
            return try described(list, part, model)
        }
        let pickled = part == .weights ? "serialized_state_dict" : "serialized_constants"
        for name in ["data/\(part.rawValue)/\(model).pt", pickled + ".pt", pickled + ".json"] {
            guard let bytes = try member(name) else { continue }
            return try embedded(bytes, name: name)
        }
        return []
    }

    /// Parameters, buffers or constants as tensors, their checksums verified.
    ///
    /// - Throws: ``CheckpointError``, among others for elements that SwiftNet has no type for.
    package func stateDict(_ part: Part = .weights, of model: String) throws -> StateDict {
        var verified: Set<String> = []
        return try StateDict(
            tensors(part, of: model).map { name, stored in
                if verified.insert(stored.storage.key).inserted { try stored.storage.verifyChecksum() }
                return (name, try stored.tensor(named: name))
            })
    }

    /// The entries that hold neither weights nor what was read to find them.
    func entries(without keys: some Sequence<String>) -> [ZipEntry] {
        let read = Set(keys)
        return zip.entries.filter { !read.contains($0.name) && !$0.name.hasSuffix("_config.json") }
    }

}

// MARK: - The layouts

extension ExportArchive {
    /// `{"config": {name: {"path_name", "is_param", "use_pickle", "tensor_meta"}}}`.
    private func described(
        _ list: ByteRegion, _ part: Part, _ model: String
    ) throws -> [(name: String, tensor: StoredTensor)] {
        let file = "data/\(part.rawValue)/\(model)_\(part.rawValue)_config.json"
        let document: JSONValue
        do {
            document = try JSONValue(parsing: Array(list.bytes), maxMembers: limits.maxTensors)
        } catch {
            throw CheckpointError.malformed(part: file, offset: error.offset, reason: error.problem.description)
        }
        guard let members = document["config"]?.members else {
            throw CheckpointError.malformed(part: file, offset: 0, reason: "no 'config'")
        }
        return try members.compactMap { member in
            guard let path = member.value["path_name"]?.string else {
                throw CheckpointError.invalidTensor(name: member.name, reason: "it has no file")
            }
            // Objects of other kinds than tensors stand among the constants.
            if part == .constants, path.hasPrefix("custom_obj") { return nil }
            return (member.name, try tensor(member, file: "data/\(part.rawValue)/\(path)"))
        }
    }

    private func tensor(_ member: JSONValue.Member, file: String) throws -> StoredTensor {
        func invalid(_ reason: String) -> CheckpointError { .invalidTensor(name: member.name, reason: reason) }
        guard let entry = zip[folder + file] else { throw CheckpointError.missingEntry(folder + file) }
        if member.value["use_pickle"] == .bool(true) {
            guard let bytes = try self.member(file) else { throw CheckpointError.missingEntry(folder + file) }
            guard let first = try embedded(bytes, name: file).first else { throw invalid("its file holds no tensor") }
            return first.tensor
        }
        guard let meta = member.value["tensor_meta"], let sizes = Self.integers(meta["sizes"]),
            let strides = Self.integers(meta["strides"]),
            let offset = Self.integer(meta["storage_offset"] ?? .integer(0))
        else { throw invalid("its description needs sizes, strides and an offset in numbers") }
        guard let code = Self.integer(meta["dtype"] ?? .null), let type = TorchType(scalarType: code) else {
            throw invalid("elements of the unknown type \(meta["dtype"].map { $0.text } ?? "none")")
        }
        var tensor = try StoredTensor(
            storage: entry.storage(key: entry.name, limits: limits), type: type, offset: offset, sizes: sizes,
            strides: strides,
            maxRank: limits.maxRank)
        if type.isQuantised { tensor.unsupported = "elements of type \(type.rawValue)" }
        return tensor
    }

    /// What `torch.save` wrote into a member: a dict of tensors, or one tensor, whose name is then empty.
    private func embedded(_ bytes: ByteRegion, name: String) throws -> [(name: String, tensor: StoredTensor)] {
        // An empty state dict is left empty by some versions.
        if bytes.count == 0 { return [] }
        var selection = WeightsSelection(key: "", keepsPrefixes: true)
        selection.allowsNothing = true
        let contents = try CheckpointContents.read(bytes, limits: limits, selection: selection)
        return contents.weights.map { inner, tensor in
            var tensor = tensor
            tensor.storage = tensor.storage.renamed("\(name)/\(tensor.storage.key)")
            return (inner, tensor)
        }
    }

    /// A number, or the number within `{"as_int": 3}`.
    private static func integer(_ value: JSONValue) -> Int? {
        switch value {
        case .integer(let number): return number
        case .object: return value["as_int"].flatMap { integer($0) }
        default: return nil
        }
    }

    private static func integers(_ value: JSONValue?) -> [Int]? {
        guard let items = value?.array else { return nil }
        let numbers = items.compactMap { integer($0) }
        return numbers.count == items.count ? numbers : nil
    }
}

extension ExportArchive {
    static let labelsName = "extra/labels.txt"
    private static let maxLabelBytes = 4 << 20

    /// Names of the classes, if the file was saved with them: `extra_files={"labels.txt": ...}`, a line each.
    ///
    /// - Throws: ``CheckpointError``.
    package func labels() throws -> [String]? {
        guard let text = try member(Self.labelsName), text.count <= Self.maxLabelBytes else { return nil }
        return String.lines(of: Array(text.bytes))
    }
}
