// SPDX-License-Identifier: MIT

extension Float {
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
