// SPDX-License-Identifier: MIT

import JSON
import Layers
import Models

/// Models made ready to run, as one block of bytes that many processes can map: what is said of each, and its prepared
/// weights. Whoever has the block needs no file.
///
/// Layout: eight bytes with the length of a JSON header, little-endian; the header; each model's weights at a multiple of
/// 64 bytes. The block is written and read by the same build on the same machine: it is no file format.
public struct PreparedModels: Sendable {
    fileprivate struct Header {
        struct Entry {
            let description: ModelDescription
            let version: Int
            let precision: Precision
            let architecture: String
            let family: String
            /// The file that has its own network; its weights are prepared.
            let path: String?
            /// What was planned: a process that would plan otherwise must not read these weights.
            let fingerprint: String
            let offset: Int
            let count: Int
        }

        let packing: String
        let models: [Entry]
    }

    private static let alignment = 64

    /// The models.
    public let models: [LoadedModel]

    /// Takes the models of a block.
    ///
    /// - Parameters:
    ///   - bytes: The block, at a multiple of 64.
    ///   - owner: Keeps the bytes alive.
    /// - Throws: `InferenceError.invalidPreparedModels` if the block is not one, or one for other kernels.
    public init(mapping bytes: UnsafeRawBufferPointer, owner: any AnyObject & Sendable) throws {
        guard bytes.count >= 8, let length = Int(exactly: bytes.loadUnaligned(as: UInt64.self).littleEndian),
            length <= bytes.count - 8,
            let header = Header(Array(bytes[8..<(8 + length)]))
        else { throw InferenceError.invalidPreparedModels(reason: "its header is damaged") }
        models = try header.models.map { entry in
            let classes = entry.description.labels.count
            guard entry.offset >= 0, entry.count >= 0, entry.offset <= bytes.count - entry.count,
                entry.offset % Self.alignment == 0,
                let network = entry.path.map({ path in
                    NetworkSource.graph(
                        GraphFile(path: path, kind: GraphFile.Format(rawValue: entry.architecture) ?? .onnx))
                })
                    ?? Architecture.named(
                        entry.architecture, family: entry.family, classes: classes, side: entry.description.input.height
                    ).map(NetworkSource.architecture)
            else { throw InferenceError.invalidPreparedModels(reason: "a model in it is damaged") }
            let block = UnsafeRawBufferPointer(rebasing: bytes[entry.offset..<(entry.offset + entry.count)])
            let weights = PreparedWeights(mapping: block, owner: owner, fingerprint: entry.fingerprint)
            do {
                return try LoadedModel(
                    description: entry.description, version: entry.version, precision: entry.precision,
                    network: network, preparedWeights: weights)
            } catch let PlanError.foreignWeights(expected, actual) {
                throw InferenceError.invalidPreparedModels(
                    reason: "'\(entry.description.name)' was planned as \(actual) for \(header.packing), here it is "
                        + "\(expected): other kernels, another build, or its file has changed meanwhile")
            }
        }
    }

    /// A block that is to be written.
    public struct Layout {
        /// Its size.
        public let byteCount: Int
        fileprivate let header: [UInt8]
        fileprivate let parts: [(offset: Int, model: LoadedModel)]

        /// Writes the block.
        ///
        /// - Precondition: There is room for ``byteCount`` zeroed bytes.
        public func write(to bytes: UnsafeMutableRawBufferPointer) {
            precondition(bytes.count >= byteCount, "the block takes \(byteCount) bytes, not \(bytes.count)")
            bytes.storeBytes(of: UInt64(header.count).littleEndian, as: UInt64.self)
            UnsafeMutableRawBufferPointer(rebasing: bytes[8...]).copyBytes(from: header)
            for (offset, model) in parts {
                UnsafeMutableRawBufferPointer(rebasing: bytes[offset...]).copyMemory(from: model.plan.weights.bytes)
            }
        }
    }

    /// Lays out models that were loaded from files.
    ///
    /// - Throws: `InferenceError.wiredByProgram`.
    public static func layout(of models: [LoadedModel]) throws -> Layout {
        for model in models {
            if case .wired = model.network { throw InferenceError.wiredByProgram(model: model.description.name) }
        }
        // The header's length depends on the offsets that stand in it: it is first written with the longest ones.
        let draft = header(models, start: Int.max / 4).bytes
        let start = rounded(8 + draft.count)
        let header = header(models, start: start)
        return Layout(
            byteCount: header.models.map { rounded($0.offset + $0.count) }.max() ?? start,
            header: header.bytes,
            parts: zip(header.models, models).map { ($0.offset, $1) })
    }

    private static func header(_ models: [LoadedModel], start: Int) -> Header {
        var offset = start
        let entries = models.map { model -> Header.Entry in
            let count = model.plan.weights.bytes.count
            defer { offset = rounded(offset + count) }
            var (family, path): (String, String?) = ("", nil)
            switch model.network {
            case .architecture(let architecture): family = architecture.family
            case .graph(let file): path = file.path
            case .wired: break
            }
            return Header.Entry(
                description: model.description, version: model.version, precision: model.precision,
                architecture: model.network.name, family: family, path: path,
                fingerprint: model.plan.fingerprint, offset: offset, count: count)
        }
        return Header(packing: models.first?.plan.packing ?? "", models: entries)
    }

    private static func rounded(_ count: Int) -> Int { (count + alignment - 1) / alignment * alignment }
}

extension PreparedModels.Header {
    /// Reads a header; nil if it is damaged.
    fileprivate init?(_ bytes: [UInt8]) {
        guard let json = try? JSONValue(parsing: bytes), let packing = json["packing"]?.string,
            let models = json["models"]?.array
        else { return nil }
        self.packing = packing
        self.models = models.compactMap(Entry.init)
        if self.models.count != models.count { return nil }
    }

    fileprivate var bytes: [UInt8] {
        let json: JSONValue = ["packing": .string(packing), "models": .array(models.map(\.json))]
        return Array(json.text.utf8)
    }
}

extension PreparedModels.Header.Entry {
    fileprivate init?(_ json: JSONValue) {
        guard let description = json["description"].flatMap({ try? ModelDescription($0) }),
            case .integer(let version)? = json["version"],
            let precision = json["precision"]?.string.flatMap(Precision.init),
            let architecture = json["architecture"]?.string,
            let family = json["family"]?.string, let fingerprint = json["fingerprint"]?.string,
            case .integer(let offset)? = json["offset"], case .integer(let count)? = json["count"]
        else { return nil }
        self.description = description
        self.version = version
        self.precision = precision
        self.architecture = architecture
        self.family = family
        path = json["path"]?.string
        self.fingerprint = fingerprint
        self.offset = offset
        self.count = count
    }

    fileprivate var json: JSONValue {
        .present(
            ("description", description.json), ("version", .integer(version)),
            ("precision", .string(precision.rawValue)), ("architecture", .string(architecture)),
            ("family", .string(family)),
            ("path", path.map { .string($0) }), ("fingerprint", .string(fingerprint)),
            ("offset", .integer(offset)), ("count", .integer(count)))
    }
}
