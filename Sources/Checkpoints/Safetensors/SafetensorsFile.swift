// SPDX-License-Identifier: MIT

import JSON

/// A safetensors file: a JSON header that describes tensors, and their bytes.
///
/// - Source: the format's description in https://github.com/huggingface/safetensors.
package struct SafetensorsFile: Sendable {
    /// Names and tensors, in the order of their bytes.
    package let tensors: [(name: String, tensor: StoredTensor)]
    /// The free text of `__metadata__`.
    package let metadata: [(name: String, value: String)]
    /// Bytes before the first tensor's.
    package let headerBytes: Int
    private static let part = "safetensors header"

    /// The first bytes look like a safetensors header: a plausible length, then an opening brace.
    package static func isRecognised(_ file: ByteRegion) -> Bool {
        guard let length = file.integer(UInt64.self, at: 0), length <= 100_000_000 else { return false }
        return file.integer(UInt8.self, at: 8) == UInt8(ascii: "{")
    }

    package init(_ file: ByteRegion, limits: CheckpointLimits) throws {
        var reader = ByteReader(file, part: Self.part)
        let length = try reader.length(UInt64.self)
        guard length <= limits.maxHeaderBytes else {
            throw CheckpointError.limitExceeded(limit: "maxHeaderBytes", maximum: limits.maxHeaderBytes)
        }
        let text = try reader.take(length)
        guard text.hasPrefix([UInt8(ascii: "{")]) else {
            throw reader.malformed("the header does not begin with '{'", at: 8)
        }
        headerBytes = reader.offset
        let data = try reader.take(reader.remaining)
        var tensors: [Described] = []
        var metadata: [(String, String)] = []
        for member in try Self.members(text, limits: limits) {
            if member.name == "__metadata__" {
                metadata = try Self.metadata(member.value)
            } else {
                tensors.append(try Described(member, data: data, limits: limits))
            }
            guard tensors.count <= limits.maxTensors else {
                throw CheckpointError.limitExceeded(limit: "maxTensors", maximum: limits.maxTensors)
            }
        }
        // Empty tensors share their place with the one after them.
        tensors.sort { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }
        try Self.checkCoverage(tensors, count: data.count)
        self.tensors = tensors.map { ($0.name, $0.tensor) }
        self.metadata = metadata
    }

    private static func members(_ text: ByteRegion, limits: CheckpointLimits) throws -> [JSONValue.Member] {
        do {
            // Each tensor is a member, and the metadata is one more.
            let most = min(limits.maxTensors, Int.max - 1) + 1
            return try JSONValue(parsing: Array(text.bytes), maxMembers: most).members ?? []
        } catch {
            switch error.problem {
            case .duplicateKey(let name): throw CheckpointError.clashingNames(first: name, second: name)
            case .tooMany: throw CheckpointError.limitExceeded(limit: "maxTensors", maximum: limits.maxTensors)
            default:
                throw CheckpointError.malformed(part: part, offset: error.offset, reason: error.problem.description)
            }
        }
    }

    /// The tensors cover the bytes without holes and without sharing any.
    private static func checkCoverage(_ tensors: [Described], count: Int) throws {
        var end = 0
        var previous = "the header"
        for tensor in tensors {
            if tensor.range.lowerBound < end {
                throw CheckpointError.overlappingEntries(first: previous, second: tensor.name)
            }
            guard tensor.range.lowerBound == end else {
                throw CheckpointError.malformed(part: part, offset: end, reason: "bytes that belong to no tensor")
            }
            end = tensor.range.upperBound
            previous = tensor.name
        }
        guard end == count else {
            throw CheckpointError.malformed(
                part: part, offset: end, reason: "\(count - end) bytes after the last tensor")
        }
    }

    private static func metadata(_ value: JSONValue) throws -> [(String, String)] {
        if value == .null { return [] }
        guard let members = value.members else {
            throw CheckpointError.malformed(part: part, offset: 8, reason: "__metadata__ is no object")
        }
        return try members.map { member in
            guard let text = member.value.string else {
                throw CheckpointError.malformed(part: part, offset: 8, reason: "metadata '\(member.name)' is no text")
            }
            return (member.name, text)
        }
    }
}

/// One member of the header.
private struct Described {
    let name: String
    let tensor: StoredTensor
    let range: Range<Int>

    init(_ member: JSONValue.Member, data: ByteRegion, limits: CheckpointLimits) throws {
        func invalid(_ reason: String) -> CheckpointError { .invalidTensor(name: member.name, reason: reason) }
        // As the library does, other fields are passed over.
        guard member.value.members != nil, let typeName = member.value["dtype"]?.string,
            let sizes = Self.integers(member.value["shape"]), let offsets = Self.integers(member.value["data_offsets"])
        else { throw invalid("its header needs dtype, shape and data_offsets") }
        guard offsets.count == 2, 0 <= offsets[0], offsets[0] <= offsets[1] else {
            throw invalid("data_offsets \(offsets)")
        }
        guard let region = data.slice(at: offsets[0], count: offsets[1] - offsets[0]) else {
            throw invalid("its bytes \(offsets) lie outside of the file, which has \(data.count)")
        }
        name = member.name
        range = offsets[0]..<offsets[1]
        guard sizes.count <= limits.maxRank else {
            throw CheckpointError.limitExceeded(limit: "maxRank", maximum: limits.maxRank)
        }
        let storage = StoredBytes(key: member.name, region: region)
        guard let type = TorchType(safetensorsName: typeName) else {
            // A type that only the format knows: its bytes go on as they are.
            var tensor = try StoredTensor(
                storage: storage, type: .uint8, offset: 0, sizes: [region.count], strides: [1], maxRank: limits.maxRank)
            tensor.foreign = ForeignElements(typeName: typeName, sizes: sizes)
            self.tensor = tensor
            return
        }
        let tensor = try StoredTensor(
            storage: storage, type: type, offset: 0, sizes: sizes, strides: StoredTensor.rowMajorStrides(sizes),
            maxRank: limits.maxRank)
        guard tensor.byteCount == region.count else {
            throw invalid("\(region.count) bytes for a shape \(sizes) that takes \(tensor.byteCount)")
        }
        self.tensor = tensor
    }

    private static func integers(_ value: JSONValue?) -> [Int]? {
        guard let items = value?.array else { return nil }
        let numbers = items.compactMap { item -> Int? in
            guard case .integer(let number) = item else { return nil }
            return number
        }
        return numbers.count == items.count ? numbers : nil
    }
}

extension TorchType {
    private static let safetensorsNames: [String: TorchType] = [
        "F64": .float64, "F32": .float32, "F16": .float16, "BF16": .bfloat16, "I64": .int64, "I32": .int32,
        "I16": .int16, "I8": .int8, "U8": .uint8, "BOOL": .bool, "U16": .uint16, "U32": .uint32, "U64": .uint64,
        "C64": .complex64, "F8_E4M3": .float8_e4m3fn, "F8_E5M2": .float8_e5m2, "F8_E4M3FNUZ": .float8_e4m3fnuz,
        "F8_E5M2FNUZ": .float8_e5m2fnuz, "F8_E8M0": .float8_e8m0fnu,
    ]

    package init?(safetensorsName: String) {
        guard let type = Self.safetensorsNames[safetensorsName] else { return nil }
        self = type
    }

    /// The name in a safetensors header.
    package var safetensorsName: String? { Self.safetensorsNames.first { $0.value == self }?.key }
}
