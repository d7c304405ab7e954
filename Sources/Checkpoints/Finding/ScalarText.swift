// SPDX-License-Identifier: MIT

import Tensors

extension PickleGraph {
    /// A number, Boolean or short text, as a person would write it; nil for all else.
    func scalarText(_ id: PickleNode.ID) -> String? {
        switch self[id] {
        case .bool(let value): String(value)
        case .int(let value): String(value)
        case .float(let value): String(value)
        case .string(let text) where text.utf8.count <= 200: text
        case .object(let object): numpyScalar(object)
        default: nil
        }
    }

    /// `numpy.core.multiarray.scalar(dtype, bytes)`: how NumPy's numbers are pickled.
    private func numpyScalar(_ object: PickleObject) -> String? {
        guard let callable = callable(of: object), callable.name == "scalar",
            ["numpy.core.multiarray", "numpy._core.multiarray"].contains(callable.module),
            let arguments = tuple(object.arguments), arguments.count == 2, let bytes = byteString(arguments[1]),
            let type = self.object(arguments[0]), self.callable(of: type) == PickleGlobal("numpy", "dtype"),
            let name = tuple(type.arguments)?.first.flatMap({ string($0) })
        else { return nil }
        let isBigEndian = type.states.last.flatMap { tuple($0) }.map { $0.count > 1 && string($0[1]) == ">" } ?? false
        let ordered = isBigEndian ? ByteRegion(copying: Array(bytes.bytes.reversed())) : bytes
        switch name {
        case "f8": return ordered.integer(UInt64.self, at: 0).map { String(Double(bitPattern: $0)) }
        case "f4": return ordered.integer(UInt32.self, at: 0).map { String(Float(bitPattern: $0)) }
        case "f2": return ordered.integer(UInt16.self, at: 0).map { String(Float(halfBits: $0)) }
        case "i8": return ordered.integer(Int64.self, at: 0).map { String($0) }
        case "i4": return ordered.integer(Int32.self, at: 0).map { String($0) }
        case "i2": return ordered.integer(Int16.self, at: 0).map { String($0) }
        case "i1": return ordered.integer(Int8.self, at: 0).map { String($0) }
        case "u8": return ordered.integer(UInt64.self, at: 0).map { String($0) }
        case "u4": return ordered.integer(UInt32.self, at: 0).map { String($0) }
        case "u2": return ordered.integer(UInt16.self, at: 0).map { String($0) }
        case "u1": return ordered.integer(UInt8.self, at: 0).map { String($0) }
        case "b1": return ordered.integer(UInt8.self, at: 0).map { String($0 != 0) }
        default: return nil
        }
    }
}

extension StoredTensor {
    /// The value of a tensor of one element with a small storage, whose checksum is verified; nil for others.
    ///
    /// - Throws: `CheckpointError.checksumMismatch`.
    func scalarText() throws -> String? {
        guard elementCount == 1, sizes.isEmpty, unsupported == nil, storage.region.count <= 4096,
            let tensor = try? tensor(named: "")
        else { return nil }
        try storage.verifyChecksum()
        return tensor.withUnsafeBytes { bytes in
            switch tensor.elementType {
            case .float64: String(bytes.loadUnaligned(as: Double.self))
            case .int64: String(bytes.loadUnaligned(as: Int64.self))
            case .bool: String(bytes[0] != 0)
            case .float32, .float16, .bfloat16: String(tensor.floats()[0])
            case .int32: String(bytes.loadUnaligned(as: Int32.self))
            case .int16, .int8, .uint8: String(Int(tensor.floats()[0]))
            }
        }
    }
}
