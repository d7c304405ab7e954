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
            let ranks = (Self.rank(first.elementType), Self.rank(second.elementType))
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
                        JSONValue.Member("dtype", .string(TorchType(tensor.elementType).safetensorsName ?? "")),
                        JSONValue.Member("shape", .array(tensor.sizes.map { .integer($0) })),
                        JSONValue.Member("data_offsets", .array([.integer(offset), .integer(end)])),
                    ])))
            offset = end
        }
        var text = Array(JSONValue.object(members).text.utf8)
        text += [UInt8](repeating: 0x20, count: (8 - text.count % 8) % 8)
        return UInt64(text.count).littleEndianBytes + text
    }

    /// The library's order of types.
    private static func rank(_ type: ElementType) -> Int {
        let order: [ElementType] = [
            .bool, .uint8, .int8, .int16, .float16, .bfloat16, .int32, .float32, .float64, .int64,
        ]
        return order.firstIndex(of: type) ?? 0
    }
}
