// SPDX-License-Identifier: MIT

extension Tensor {
    /// The elements as Float32, in row-major order; other types are converted (integers by rounding to nearest).
    public func floats() -> [Float] {
        [Float](unsafeUninitializedCapacity: elementCount) { buffer, count in
            copyFloats(to: buffer)
            count = elementCount
        }
    }

    /// The elements as Float32, all of them finite.
    ///
    /// - Throws: `TensorError.notFinite` under the given name if there is a NaN or an infinity.
    public func finiteFloats(name: String) throws -> [Float] {
        let values = floats()
        guard values.withUnsafeBufferPointer(\.areFinite) else {
            throw TensorError.notFinite(name: name, count: nonFiniteCount)
        }
        return values
    }

    /// Writes the elements as Float32, all of them finite, to where there is room for them.
    ///
    /// - Throws: `TensorError.notFinite` under the given name if there is a NaN or an infinity.
    package func copyFiniteFloats(name: String, to output: UnsafeMutablePointer<Float>) throws {
        let buffer = UnsafeMutableBufferPointer(start: output, count: elementCount)
        copyFloats(to: buffer)
        guard UnsafeBufferPointer(buffer).areFinite else {
            throw TensorError.notFinite(name: name, count: nonFiniteCount)
        }
    }

    /// How many elements are a NaN or an infinity as Float32.
    package var nonFiniteCount: Int { floats().reduce(0) { $0 + ($1.isFinite ? 0 : 1) } }

    /// Writes the elements as Float32 into `buffer`, which must hold at least `elementCount`.
    public func copyFloats(to buffer: UnsafeMutableBufferPointer<Float>) {
        precondition(
            buffer.count >= elementCount, "the buffer holds \(buffer.count) values, the tensor \(elementCount)")
        copyFloats(from: 0, to: UnsafeMutableBufferPointer(rebasing: buffer[..<elementCount]))
    }

    /// Fills `buffer` with the elements from `first` on, as Float32.
    ///
    /// - Precondition: There are as many.
    public func copyFloats(from first: Int, to buffer: UnsafeMutableBufferPointer<Float>) {
        precondition(
            first >= 0 && first <= elementCount && buffer.count <= elementCount - first,
            "\(buffer.count) values from \(first) on are not in a tensor of \(elementCount)")
        withUnsafeBytes { all in
            let start = first * elementType.byteCount
            let bytes = UnsafeRawBufferPointer(rebasing: all[start..<(start + buffer.count * elementType.byteCount)])
            switch elementType {
            case .float32: UnsafeMutableRawBufferPointer(buffer).copyMemory(from: bytes)
            case .float64: convert(bytes, as: Double.self, to: buffer) { Float($0) }
            case .float16: convert(bytes, as: UInt16.self, to: buffer) { Float(halfBits: $0) }
            case .bfloat16: convert(bytes, as: UInt16.self, to: buffer) { Float(bfloat16Bits: $0) }
            case .int64: convert(bytes, as: Int64.self, to: buffer) { Float($0) }
            case .int32: convert(bytes, as: Int32.self, to: buffer) { Float($0) }
            case .int16: convert(bytes, as: Int16.self, to: buffer) { Float($0) }
            case .int8: convert(bytes, as: Int8.self, to: buffer) { Float($0) }
            case .uint8, .bool: convert(bytes, as: UInt8.self, to: buffer) { Float($0) }
            }
        }
    }

    private func convert<Element>(
        _ bytes: UnsafeRawBufferPointer, as type: Element.Type, to buffer: UnsafeMutableBufferPointer<Float>,
        _ body: (Element) -> Float
    ) where Element: BitwiseCopyable {
        for index in 0..<buffer.count {
            buffer[index] = body(bytes.loadUnaligned(fromByteOffset: index &* MemoryLayout<Element>.stride, as: type))
        }
    }
}

extension UnsafeBufferPointer<Float> {
    /// Whether none is a NaN or an infinity.
    package var areFinite: Bool {
        // Without a way out of the loop, so that it works on vectors.
        var bad: UInt32 = 0
        for value in self { bad |= value.bitPattern & 0x7F80_0000 == 0x7F80_0000 ? 1 : 0 }
        return bad == 0
    }
}
