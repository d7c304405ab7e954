// SPDX-License-Identifier: MIT

import JSON
import SystemCalls
import Tensors

/// Writes tensors as the safetensors library does: the widest types first, then by name; the header padded to 8 bytes.
///
/// The format knows no shared storages: a tensor with two names is written twice.
struct SafetensorsWriter {
    /// The tensors in the order of their bytes.
    let tensors: [TensorPlan]

    init(_ plans: [TensorPlan]) {
        tensors = plans.sorted { first, second in
            let ranks = (Self.rank(first.type), Self.rank(second.type))
            return ranks.0 != ranks.1 ? ranks.0 > ranks.1 : first.name.utf8.lexicographicallyPrecedes(second.name.utf8)
        }
    }

    /// The length and the header.
    ///
    /// - Throws: `CheckpointError.invalidTensor` for a name that the format does not allow.
    func header() throws -> [UInt8] {
        var members = [JSONValue.Member("__metadata__", .object([JSONValue.Member("format", .string("pt"))]))]
        var offset = 0
        for tensor in tensors {
            guard tensor.name != "__metadata__" else {
                throw CheckpointError.invalidTensor(name: tensor.name, reason: "safetensors keeps this name for itself")
            }
            let end = offset + tensor.byteCount
            members.append(
                JSONValue.Member(
                    tensor.name,
                    .object([
                        JSONValue.Member("dtype", .string(tensor.safetensorsName)),
                        JSONValue.Member("shape", .array(tensor.source.shownSizes.map { .integer($0) })),
                        JSONValue.Member("data_offsets", .array([.integer(offset), .integer(end)])),
                    ])))
            offset = end
        }
        var text = Array(JSONValue.object(members).text.utf8)
        text += [UInt8](repeating: 0x20, count: (8 - text.count % 8) % 8)
        return UInt64(text.count).littleEndianBytes + text
    }

    /// The library's order of types.
    private static func rank(_ type: TorchType) -> Int {
        let order: [TorchType] = [
            .bool, .uint8, .int8, .float8_e5m2, .float8_e4m3fn, .float8_e8m0fnu, .float8_e4m3fnuz, .float8_e5m2fnuz,
            .int16, .uint16, .float16, .bfloat16, .int32, .uint32, .float32, .complex64, .float64, .int64, .uint64,
        ]
        return order.firstIndex(of: type) ?? 0
    }
}
