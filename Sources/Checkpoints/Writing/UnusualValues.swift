// SPDX-License-Identifier: MIT

import Tensors

/// Counts of floating-point values that trained weights should not have.
public struct UnusualValues: Sendable, Equatable {
    /// Values that are not a number.
    public internal(set) var nanCount = 0
    /// Infinite values.
    public internal(set) var infiniteCount = 0
    /// Values so small that they have lost precision, and slow some processors down.
    public internal(set) var denormalCount = 0
    /// Finite values that a narrower type made infinite.
    public internal(set) var overflowCount = 0

    /// Nothing counted yet.
    public init() {}

    /// Nothing of note.
    public var isClean: Bool { self == UnusualValues() }

    /// Counts elements of a floating-point type; others have nothing to count.
    mutating func count(_ bytes: UnsafeRawBufferPointer, as elementType: ElementType) {
        switch elementType {
        case .float64: count(bytes, UInt64.self, exponent: 0x7FF0_0000_0000_0000, least: 0x0010_0000_0000_0000)
        case .float32: count(bytes, UInt32.self, exponent: 0x7F80_0000, least: 0x0080_0000)
        case .float16: count(bytes, UInt16.self, exponent: 0x7C00, least: 0x0400)
        case .bfloat16: count(bytes, UInt16.self, exponent: 0x7F80, least: 0x0080)
        default: break
        }
    }

    /// - Parameters:
    ///   - exponent: The bits of infinity.
    ///   - least: The bits of the least normal number.
    private mutating func count<Bits: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
        _ bytes: UnsafeRawBufferPointer, _ type: Bits.Type, exponent: Bits, least: Bits
    ) {
        let size = MemoryLayout<Bits>.size
        let magnitude = Bits.max >> 1
        var unusual: Bits = 0
        // One pass that only asks whether anything is unusual: almost always nothing is. Zero minus one wraps to the largest
        // value, so zeros are taken for unusual only together with what wraps: shift the range by the least normal number.
        for index in 0..<(bytes.count / size) {
            let value = bytes.loadUnaligned(fromByteOffset: index &* size, as: Bits.self) & magnitude
            unusual |= (value &- least) >= (exponent &- least) && value != 0 ? 1 : 0
        }
        if unusual == 0 { return }
        for index in 0..<(bytes.count / size) {
            let value = bytes.loadUnaligned(fromByteOffset: index &* size, as: Bits.self) & magnitude
            if value > exponent { nanCount += 1 }
            if value == exponent { infiniteCount += 1 }
            if value != 0 && value < least { denormalCount += 1 }
        }
    }
}
