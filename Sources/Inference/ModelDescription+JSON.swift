// SPDX-License-Identifier: MIT

import JSON

/// Reads one object of a description. Keys that nobody knows are refused: a misspelt one would be passed over in silence.
struct DescriptionReader {
    private let members: [JSONValue.Member]
    /// Where the object stands, for example "input"; empty for the whole.
    private let place: String

    /// The keys that a description may have, by where they stand.
    private static let keys: [String: [String]] = [
        "": ["schema", "name", "architecture", "description", "input", "output", "labels", "versions"],
        "input": [
            "width", "height", "channels", "preprocessing", "layout", "color", "resize", "scale", "mean", "std",
            "tensors",
        ],
        "input.tensors.N": ["name", "shape"],
        "input.resize": ["mode", "size", "interpolation"],
        "output": ["activation"],
        "versions.N": [
            "file", "files", "sha256", "bytes", "trainedBy", "trained", "epoch", "trainAccuracy", "testAccuracy",
            "testSet", "notes",
        ],
        "versions.N.files": Precision.allCases.map(\.rawValue),
        "versions.N.files.P": ["file", "sha256", "bytes", "agreement", "testAccuracy", "testSet", "notes"],
    ]

    /// A fault of a description, as one line.
    struct Fault: Error {
        let reason: String
    }

    /// - Parameter kind: The place in the list of keys, if it is another one than `place`.
    /// - Throws: `Fault` if it is no object, or has a key that is not known.
    init(_ value: JSONValue, at place: String = "", kind: String? = nil) throws {
        guard let members = value.members else { throw Fault(reason: "expected an object\(Self.suffix(place))") }
        self.members = members
        self.place = place
        let known = Self.keys[kind ?? place] ?? []
        for member in members where !known.contains(where: { $0.utf8.elementsEqual(member.name.utf8) }) {
            throw Fault(
                reason: "'\(whole(member.name))' is no key that is known there; these are: "
                    + known.joined(separator: ", "))
        }
    }

    /// The value of a key; nil without it, or if it is null.
    func value(_ key: String) -> JSONValue? {
        let value = members.first { $0.name.utf8.elementsEqual(key.utf8) }?.value
        return value == .null ? nil : value
    }

    /// The value of a key, converted; nil without it.
    ///
    /// - Parameter kind: What is expected, for people: "a whole number".
    func optional<Result>(_ key: String, _ kind: String, _ convert: (JSONValue) -> Result?) throws -> Result? {
        guard let value = value(key) else { return nil }
        guard let result = convert(value) else {
            throw Fault(reason: "expected \(kind) at '\(whole(key))'")
        }
        return result
    }

    /// The value of a key, converted.
    func required<Result>(_ key: String, _ kind: String, _ convert: (JSONValue) -> Result?) throws -> Result {
        guard let result = try optional(key, kind, convert) else {
            throw Fault(reason: "'\(key)' is missing\(Self.suffix(place))")
        }
        return result
    }

    /// One of some words.
    func word<Word: RawRepresentable & CaseIterable>(_ key: String) throws -> Word?
    where Word.RawValue == String {
        try optional(key, Word.allCases.map(\.rawValue).joined(separator: ", ")) { $0.string.flatMap(Word.init) }
    }

    /// The object of a key.
    func object<Result>(_ key: String, _ read: (DescriptionReader) throws -> Result) throws -> Result? {
        try value(key).map { try read(DescriptionReader($0, at: whole(key))) }
    }

    /// A key that must be there is not.
    func missing(_ key: String) -> Fault { Fault(reason: "'\(key)' is missing\(Self.suffix(place))") }

    private func whole(_ key: String) -> String { place.isEmpty ? key : "\(place).\(key)" }

    private static func suffix(_ place: String) -> String { place.isEmpty ? "" : " at '\(place)'" }
}

extension JSONValue {
    /// An object of those members that have a value.
    static func present(_ members: (String, JSONValue?)...) -> JSONValue {
        .object(members.compactMap { name, value in value.map { Member(name, $0) } })
    }

    /// A whole number.
    fileprivate var int: Int? {
        switch self {
        case .integer(let value): value
        case .number(let value): Int(exactly: value)
        default: nil
        }
    }

    /// Any number.
    fileprivate var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    fileprivate var floats: [Float]? {
        guard let items = array else { return nil }
        let values = items.compactMap { $0.double.map(Float.init) }
        return values.count == items.count ? values : nil
    }

    fileprivate var ints: [Int]? {
        guard let items = array else { return nil }
        let values = items.compactMap(\.int)
        return values.count == items.count ? values : nil
    }

    fileprivate var strings: [String]? {
        guard let items = array else { return nil }
        let values = items.compactMap(\.string)
        return values.count == items.count ? values : nil
    }
}

extension ModelDescription {
    /// Takes a description from its JSON; it is not checked whether it contradicts itself.
    ///
    /// - Throws: `DescriptionReader.Fault`.
    init(_ json: JSONValue) throws {
        let reader = try DescriptionReader(json)
        schema = try reader.optional("schema", "a whole number", \.int)
        name = try reader.required("name", "a text", \.string)
        architecture = try reader.required("architecture", "a text", \.string)
        description = try reader.optional("description", "a text", \.string)
        guard let input = try reader.object("input", Input.init(_:)) else { throw reader.missing("input") }
        self.input = input
        output = try reader.object("output") { output in
            guard let activation: Output.Activation = try output.word("activation") else {
                throw output.missing("activation")
            }
            return Output(activation: activation)
        }
        labels = try reader.required("labels", "a list of texts", \.strings)
        var versions: [String: Version] = [:]
        let members = try reader.required("versions", "an object", \.members)
        for member in members {
            versions[member.name] = try Version(
                DescriptionReader(member.value, at: "versions.\(member.name)", kind: "versions.N"))
        }
        self.versions = versions
    }

    /// The description as JSON, its keys in the order that people read them in.
    var json: JSONValue {
        .present(
            ("schema", schema.map { .integer($0) }), ("name", .string(name)),
            ("architecture", .string(architecture)), ("description", description.map { .string($0) }),
            ("input", input.json), ("output", output.map { ["activation": .string($0.activation.rawValue)] }),
            ("labels", .array(labels.map { .string($0) })),
            (
                "versions",
                .object(
                    versions.sorted { (Int($0.key) ?? 0, $0.key) < (Int($1.key) ?? 0, $1.key) }
                        .map { ($0.key, $0.value.json) })
            ))
    }
}

extension ModelDescription.Input {
    fileprivate init(_ reader: DescriptionReader) throws {
        // Tensors need nothing of what prepares a picture.
        let needsAll = reader.value("preprocessing")?.string != Preprocessing.tensors.rawValue
        func picture<Result>(_ key: String, _ kind: String, _ absent: Result, _ convert: (JSONValue) -> Result?) throws
            -> Result
        {
            try needsAll
                ? reader.required(key, kind, convert) : reader.optional(key, kind, convert) ?? absent
        }
        width = try picture("width", "a whole number", 0, \.int)
        height = try picture("height", "a whole number", 0, \.int)
        channels = try picture("channels", "a whole number", 0, \.int)
        guard let preprocessing: Preprocessing = try reader.word("preprocessing") else {
            throw reader.missing("preprocessing")
        }
        self.preprocessing = preprocessing
        layout = try reader.word("layout")
        color = try reader.word("color")
        resize = try reader.object("resize") { resize in
            guard let mode: Resize.Mode = try resize.word("mode") else { throw resize.missing("mode") }
            return Resize(
                mode: mode, size: try resize.optional("size", "a whole number", \.int),
                interpolation: try resize.word("interpolation"))
        }
        scale = try reader.optional("scale", "a number") { $0.double.map(Float.init) }
        mean = try picture("mean", "a list of numbers", [], \.floats)
        std = try picture("std", "a list of numbers", [], \.floats)
        let tensors = try reader.optional("tensors", "a list", \.array) ?? []
        self.tensors = try tensors.enumerated().map { place, tensor in
            let reader = try DescriptionReader(tensor, at: "input.tensors.\(place)", kind: "input.tensors.N")
            return Tensor(
                name: try reader.required("name", "a text", \.string),
                shape: try reader.required("shape", "a list of whole numbers", \.ints))
        }
    }

    fileprivate var json: JSONValue {
        if preprocessing == .tensors {
            return .present(
                ("preprocessing", .string(preprocessing.rawValue)), ("width", size.map { .integer($0.width) }),
                ("height", size.map { .integer($0.height) }),
                (
                    "tensors",
                    .array(
                        tensors.map {
                            ["name": .string($0.name), "shape": .array($0.shape.map { .integer($0) })]
                        })
                ))
        }
        return .present(
            ("width", .integer(width)), ("height", .integer(height)), ("channels", .integer(channels)),
            ("preprocessing", .string(preprocessing.rawValue)), ("layout", layout.map { .string($0.rawValue) }),
            ("color", color.map { .string($0.rawValue) }), ("resize", resize.map(\.json)),
            ("scale", scale.map { .float($0) }), ("mean", .array(mean.map { .float($0) })),
            ("std", .array(std.map { .float($0) })))
    }
}

extension ModelDescription.Input.Resize {
    fileprivate var json: JSONValue {
        .present(
            ("mode", .string(mode.rawValue)), ("size", size.map { .integer($0) }),
            ("interpolation", interpolation.map { .string($0.rawValue) }))
    }
}

extension ModelDescription.Version {
    fileprivate init(_ reader: DescriptionReader) throws {
        file = try reader.required("file", "a text", \.string)
        if let files = reader.value("files") {
            let known = try DescriptionReader(files, at: "versions.N.files")
            for precision in Precision.allCases {
                guard let file = known.value(precision.rawValue) else { continue }
                self.files[precision] = try ModelDescription.PrecisionFile(
                    DescriptionReader(file, at: "versions.N.files.\(precision.rawValue)", kind: "versions.N.files.P"))
            }
        }
        sha256 = try reader.optional("sha256", "a text", \.string)
        bytes = try reader.optional("bytes", "a whole number", \.int)
        trainedBy = try reader.optional("trainedBy", "a text", \.string)
        trained = try reader.optional("trained", "a text", \.string)
        epoch = try reader.optional("epoch", "a whole number", \.int)
        trainAccuracy = try reader.optional("trainAccuracy", "a number", \.double)
        testAccuracy = try reader.optional("testAccuracy", "a number", \.double)
        testSet = try reader.optional("testSet", "a text", \.string)
        notes = try reader.optional("notes", "a text", \.string)
    }

    fileprivate var json: JSONValue {
        .present(
            ("file", .string(file)),
            (
                "files",
                files.isEmpty
                    ? nil
                    : .object(
                        files.sorted { $0.key.rawValue < $1.key.rawValue }.map { ($0.key.rawValue, $0.value.json) })
            ), ("sha256", sha256.map { .string($0) }), ("bytes", bytes.map { .integer($0) }),
            ("trainedBy", trainedBy.map { .string($0) }), ("trained", trained.map { .string($0) }),
            ("epoch", epoch.map { .integer($0) }), ("trainAccuracy", trainAccuracy.map { .number($0) }),
            ("testAccuracy", testAccuracy.map { .number($0) }), ("testSet", testSet.map { .string($0) }),
            ("notes", notes.map { .string($0) }))
    }
}

extension ModelDescription.PrecisionFile {
    fileprivate init(_ reader: DescriptionReader) throws {
        file = try reader.required("file", "a text", \.string)
        sha256 = try reader.optional("sha256", "a text", \.string)
        bytes = try reader.optional("bytes", "a whole number", \.int)
        agreement = try reader.optional("agreement", "a number", \.double)
        testAccuracy = try reader.optional("testAccuracy", "a number", \.double)
        testSet = try reader.optional("testSet", "a text", \.string)
        notes = try reader.optional("notes", "a text", \.string)
    }

    fileprivate var json: JSONValue {
        .present(
            ("file", .string(file)), ("sha256", sha256.map { .string($0) }), ("bytes", bytes.map { .integer($0) }),
            ("agreement", agreement.map { .number($0) }), ("testAccuracy", testAccuracy.map { .number($0) }),
            ("testSet", testSet.map { .string($0) }), ("notes", notes.map { .string($0) }))
    }
}
