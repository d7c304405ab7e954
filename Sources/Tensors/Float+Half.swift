// SPDX-License-Identifier: MIT

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

    /// The value of bfloat16 bits: the upper half of a Float's.
    package init(bfloat16Bits bits: UInt16) { self = Float(bitPattern: UInt32(bits) << 16) }

    /// The IEEE 754 half-precision bits nearest to the value, ties to even; what is too large becomes an infinity.
    package var halfBits: UInt16 {
        let sign = UInt16(truncatingIfNeeded: bitPattern >> 16) & 0x8000
        let magnitude = self.magnitude
        if magnitude.isNaN { return sign | 0x7E00 }
        if magnitude >= 65520 { return sign | 0x7C00 }
        if magnitude < 0x1p-14 {
            // Subnormal halves are multiples of 2^-24.
            return sign | UInt16((magnitude * 0x1p24).rounded(.toNearestOrEven))
        }
        let bits = magnitude.bitPattern
        let kept = bits >> 13
        let rest = bits & 0x1FFF
        let rounded = kept + (rest > 0x1000 || rest == 0x1000 && kept & 1 == 1 ? 1 : 0)
        return sign | UInt16(truncatingIfNeeded: rounded - (112 << 10))
    }

    /// The bfloat16 bits nearest to the value, ties to even.
    package var bfloat16Bits: UInt16 {
        if isNaN { return 0x7FC0 }
        let kept = bitPattern >> 16
        let rest = bitPattern & 0xFFFF
        return UInt16(truncatingIfNeeded: kept + (rest > 0x8000 || rest == 0x8000 && kept & 1 == 1 ? 1 : 0))
    }
}
