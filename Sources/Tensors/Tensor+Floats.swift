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
        let bad = values.reduce(0) { $0 + ($1.isFinite ? 0 : 1) }
        guard bad == 0 else { throw TensorError.notFinite(name: name, count: bad) }
        return values
    }

    /// Writes the elements as Float32 into `buffer`, which must hold at least `elementCount`.
    public func copyFloats(to buffer: UnsafeMutableBufferPointer<Float>) {
        precondition(
            buffer.count >= elementCount, "the buffer holds \(buffer.count) values, the tensor \(elementCount)")
        withUnsafeBytes { bytes in
            switch elementType {
            case .float32: buffer.withMemoryRebound(to: UInt8.self) { _ = $0.initialize(from: bytes) }
            case .float64: convert(bytes, as: Double.self, to: buffer) { Float($0) }
            case .float16: convert(bytes, as: UInt16.self, to: buffer) { Float(halfBits: $0) }
            case .bfloat16: convert(bytes, as: UInt16.self, to: buffer) { Float(bitPattern: UInt32($0) << 16) }
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
        for index in 0..<elementCount {
            buffer[index] = body(bytes.loadUnaligned(fromByteOffset: index &* MemoryLayout<Element>.stride, as: type))
        }
    }
}

extension Float {
    /// The value of IEEE 754 half-precision bits.
    ///
    /// Written out because `Float16` is missing from the standard library on some platforms.
    package init(halfBits bits: UInt16) {
        let sign = UInt32(bits & 0x8000) << 16
        let exponent = UInt32(bits >> 10) & 0x1F
        let fraction = UInt32(bits & 0x3FF)
        switch exponent {
        case 0:
            let magnitude = Float(fraction) * 0x1p-24
            self = Float(bitPattern: magnitude.bitPattern | sign)
        case 0x1F:
            self = Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
        default:
            self = Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
        }
    }
}
