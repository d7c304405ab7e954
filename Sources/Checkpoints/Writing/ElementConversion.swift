// SPDX-License-Identifier: MIT

import Tensors

/// Conversion between floating-point types, rounding to nearest, ties to even, as PyTorch's `Tensor.to` does.
///
/// Float64 goes to the 16-bit types through Float32, as it does there.
package struct ElementConversion {
    package let source: ElementType
    package let target: ElementType

    /// Nil where nothing is to be converted.
    package init?(from source: ElementType, to target: ElementType) {
        if source == target { return nil }
        self.source = source
        self.target = target
    }

    /// Converts `input` into `output`, which holds as many elements; returns how many finite values became infinite.
    package func convert(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Int {
        let count = input.count / source.byteCount
        var overflowCount = 0
        for index in 0..<count {
            let wide = load(input, index)
            let value = Float(wide)
            let isInfinite = store(value, wide, output, index)
            if isInfinite && wide.isFinite { overflowCount += 1 }
        }
        return overflowCount
    }

    private func load(_ input: UnsafeRawBufferPointer, _ index: Int) -> Double {
        let offset = index * source.byteCount
        switch source {
        case .float64: return input.loadUnaligned(fromByteOffset: offset, as: Double.self)
        case .float32: return Double(input.loadUnaligned(fromByteOffset: offset, as: Float.self))
        case .float16: return Double(Float(halfBits: input.loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
        default:
            let bits = input.loadUnaligned(fromByteOffset: offset, as: UInt16.self)
            return Double(Float(bfloat16Bits: bits))
        }
    }

    /// Stores a value; tells whether it is infinite now.
    private func store(_ value: Float, _ wide: Double, _ output: UnsafeMutableRawBufferPointer, _ index: Int) -> Bool {
        let offset = index * target.byteCount
        switch target {
        case .float64:
            output.storeBytes(of: wide, toByteOffset: offset, as: Double.self)
            return wide.isInfinite
        case .float32:
            output.storeBytes(of: value, toByteOffset: offset, as: Float.self)
            return value.isInfinite
        case .float16:
            let bits = value.halfBits
            output.storeBytes(of: bits, toByteOffset: offset, as: UInt16.self)
            return bits & 0x7FFF == 0x7C00
        default:
            let bits = value.bfloat16Bits
            output.storeBytes(of: bits, toByteOffset: offset, as: UInt16.self)
            return bits & 0x7FFF == 0x7F80
        }
    }
}
