// SPDX-License-Identifier: MIT

import Tensors

extension TensorRebuilder {
    /// A NumPy array of numbers; nil for all others.
    ///
    /// `_reconstruct(ndarray, (0,), b'b')` with the state `(version, shape, dtype, is_fortran, bytes)`, or, from protocol 5
    /// on, `_frombuffer(bytes, dtype, shape, order)`.
    mutating func array(
        _ callable: PickleGlobal, _ arguments: [PickleNode.ID], states: [PickleNode.ID]
    ) throws -> StoredTensor? {
        var parts: (bytes: PickleNode.ID, type: PickleNode.ID, shape: PickleNode.ID, isFortran: Bool)
        if callable.name == "_frombuffer" {
            guard arguments.count >= 4 else { return nil }
            parts = (arguments[0], arguments[1], arguments[2], graph.string(arguments[3]) == "F")
            // `bytearray(b'...')`, where the buffer can be changed.
            if let object = graph.object(parts.bytes), graph.callable(of: object)?.name == "bytearray",
                let inner = graph.tuple(object.arguments)?.first
            {
                parts.bytes = inner
            }
        } else {
            guard let state = states.last.flatMap({ graph.tuple($0) }), state.count == 5 else { return nil }
            parts = (state[4], state[2], state[1], false)
            if case .bool(true) = graph[state[3]] { parts.isFortran = true }
        }
        guard let (type, isBigEndian) = numpyType(parts.type), let sizes = integers(parts.shape),
            let bytes = graph.byteString(parts.bytes)
        else { return nil }
        let storage = StoredBytes(key: "array \(parts.bytes)", region: bytes, isBigEndian: isBigEndian)
        var strides = StoredTensor.rowMajorStrides(sizes)
        if parts.isFortran { strides = StoredTensor.rowMajorStrides(sizes.reversed()).reversed() }
        var tensor = try StoredTensor(
            storage: storage, type: type, offset: 0, sizes: sizes, strides: strides, maxRank: limits.maxRank)
        tensor.isArray = true
        return tensor
    }

    /// `dtype('f4', False, True)` with the state `(3, '<', ...)`.
    private func numpyType(_ id: PickleNode.ID) -> (TorchType, isBigEndian: Bool)? {
        guard let object = graph.object(id), graph.callable(of: object) == PickleGlobal("numpy", "dtype"),
            let name = graph.tuple(object.arguments)?.first.flatMap({ graph.string($0) }),
            let type = Self.numpyTypes[name]
        else { return nil }
        let order = object.states.last.flatMap { graph.tuple($0) }.flatMap { $0.count > 1 ? graph.string($0[1]) : nil }
        return (type, order == ">")
    }

    private static let numpyTypes: [String: TorchType] = [
        "f8": .float64, "f4": .float32, "f2": .float16, "i8": .int64, "i4": .int32, "i2": .int16, "i1": .int8,
        "u8": .uint64, "u4": .uint32, "u2": .uint16, "u1": .uint8, "b1": .bool, "c8": .complex64, "c16": .complex128,
    ]

    /// A tensor as a device held it: NumPy knows no bfloat16, so its values came as wider numbers.
    func ofDeviceType(_ tensor: StoredTensor, _ dtype: PickleGlobal?) throws -> StoredTensor {
        var tensor = tensor
        tensor.isArray = false
        guard let type = dtype.flatMap({ TorchType(dtype: $0) }) else { throw invalid("elements of an unknown type") }
        if type == tensor.type { return tensor }
        guard let source = tensor.type.elementType, let target = type.elementType, source.isFloatingPoint,
            target.isFloatingPoint, let conversion = ElementConversion(from: source, to: target)
        else {
            tensor.unsupported = "elements of type \(type.rawValue), kept as \(tensor.type.rawValue)"
            return tensor
        }
        guard tensor.byteCount <= limits.maxViewBytes else {
            throw CheckpointError.limitExceeded(limit: "maxViewBytes", maximum: limits.maxViewBytes)
        }
        let values = try tensor.tensor(named: "")
        let storage = TensorStorage(byteCount: tensor.elementCount * type.byteCount) { output in
            values.withUnsafeBytes { _ = conversion.convert($0, into: output) }
        }
        let key = "device \(tensor.storage.key) \(tensor.byteOffset)"
        return try StoredTensor(
            storage: StoredBytes(key: key, region: ByteRegion(storage)), type: type, offset: 0, sizes: tensor.sizes,
            strides: StoredTensor.rowMajorStrides(tensor.sizes), maxRank: limits.maxRank)
    }

    /// `(scheme, scale, zero point)`, or `(scheme, scales, zero points, axis)` with tensors.
    mutating func quantisation(_ id: PickleNode.ID, of tensor: StoredTensor) throws -> Quantisation? {
        guard let parts = graph.tuple(id), parts.count >= 3, let scheme = graph.global(parts[0])?.name else {
            return nil
        }
        if scheme.hasPrefix("per_tensor") {
            guard let scale = number(parts[1]), let zeroPoint = number(parts[2]) else { return nil }
            return Quantisation(scales: [scale], zeroPoints: [zeroPoint], axis: nil)
        }
        guard scheme.hasPrefix("per_channel"), parts.count >= 4, let axis = graph.int(parts[3]),
            tensor.sizes.indices.contains(axis), let scales = try numbers(parts[1]),
            let zeroPoints = try numbers(parts[2]), scales.count == tensor.sizes[axis],
            zeroPoints.count == scales.count
        else { return nil }
        return Quantisation(scales: scales, zeroPoints: zeroPoints, axis: axis)
    }

    private func number(_ id: PickleNode.ID) -> Double? {
        switch graph[id] {
        case .float(let value): value
        case .int(let value): Double(value)
        default: nil
        }
    }

    private mutating func numbers(_ id: PickleNode.ID) throws -> [Double]? {
        if let items = graph.sequence(id) {
            let values = items.compactMap { number($0) }
            return values.count == items.count ? values : nil
        }
        // The scales are no quantised tensors themselves: this goes no deeper.
        guard let object = graph.object(id), graph.callable(of: object)?.name != "_rebuild_qtensor",
            let tensor = try tensor(id), tensor.unsupported == nil, tensor.quantisation == nil,
            tensor.elementCount <= 1 << 20
        else { return nil }
        try tensor.storage.verifyChecksum()
        let values = try tensor.tensor(named: "scales")
        let count = tensor.elementCount
        return values.withUnsafeBytes { bytes -> [Double]? in
            func all<Element: BitwiseCopyable>(_ type: Element.Type, _ convert: (Element) -> Double) -> [Double] {
                (0..<count).map {
                    convert(bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Element>.size, as: type))
                }
            }
            switch values.elementType {
            case .float64: return all(Double.self) { $0 }
            case .float32: return all(Float.self) { Double($0) }
            case .int64: return all(Int64.self) { Double($0) }
            case .int32: return all(Int32.self) { Double($0) }
            default: return nil
            }
        }
    }
}
