// SPDX-License-Identifier: MIT

import Protobuf
import Tensors

/// TensorProto: where a tensor's bytes stand.
struct TensorMessage {
    var name = ""
    var dimensions: [Int] = []
    var dataType = 0
    /// The elements' bytes in the file.
    var rawData: UnsafeRawBufferPointer?
    /// Bytes of float_data or double_data, of 4 or 8 bytes each.
    var fixedData: [UInt8] = []
    /// float_data or double_data as one packed field: bytes in the file.
    var packedData: UnsafeRawBufferPointer?
    /// int32_data, int64_data or uint64_data.
    var integers: [Int] = []
    /// Whether the bytes stand in another file.
    var isExternal = false
    /// location, offset, length.
    var external: [(key: String, value: String)] = []

    init(_ message: ProtobufReader, _ counter: ItemCounter) throws {
        var reader = message
        try counter.count()
        while let field = try reader.next() {
            switch field.number {
            case 1:
                try counter.integers(field, to: &dimensions)
                guard dimensions.count <= counter.limits.maxRank else {
                    throw ONNXError.limit(what: "dimensions of a tensor", limit: counter.limits.maxRank)
                }
            case 2: dataType = try field.int32()
            case 4: try readFixed(field, size: 4, counter)
            case 10: try readFixed(field, size: 8, counter)
            case 5, 7, 11:
                let before = integers.count
                try field.append(to: &integers, limit: before + counter.bytesLeft / 8)
                try counter.countBytes((integers.count - before) * 8)
            case 8: name = try counter.name(field)
            case 9: rawData = try field.bytes()
            case 13: external.append(try ModelMessage.entry(field.message(), counter))
            case 14: isExternal = try field.int32() == 1
            default: break
            }
        }
    }

    private mutating func readFixed(_ field: ProtobufField, size: Int, _ counter: ItemCounter) throws {
        if case .bytes(let bytes) = field.value, packedData == nil, fixedData.isEmpty, bytes.count % size == 0 {
            packedData = bytes
            return
        }
        if let packed = packedData {
            try counter.countBytes(packed.count)
            fixedData = Array(packed)
            packedData = nil
        }
        let before = fixedData.count
        try field.appendFixed(to: &fixedData, size: size, limit: before + counter.bytesLeft)
        try counter.countBytes(fixedData.count - before)
    }

    /// Names of the types by their numbers, for messages.
    static let typeNames = [
        "undefined", "float", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16",
        "double", "uint32", "uint64", "complex64", "complex128", "bfloat16", "float8e4m3fn", "float8e4m3fnuz",
        "float8e5m2", "float8e5m2fnuz", "uint4", "int4", "float4e2m1", "float8e8m0", "uint2", "int2",
    ]

    /// The name of a type.
    static func typeName(_ dataType: Int) -> String {
        typeNames.indices.contains(dataType) ? typeNames[dataType] : "type \(dataType)"
    }
}

extension ElementType {
    /// The type of an ONNX number, if there is one here.
    init?(onnx dataType: Int) {
        switch dataType {
        case 1: self = .float32
        case 2: self = .uint8
        case 3: self = .int8
        case 5: self = .int16
        case 6: self = .int32
        case 7: self = .int64
        case 9: self = .bool
        case 10: self = .float16
        case 11: self = .float64
        case 16: self = .bfloat16
        default: return nil
        }
    }
}
