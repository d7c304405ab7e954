// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

/// e to the power of x, within 2 units in the last place; 0 below -87.7, infinity above 88.4, NaN for NaN.
///
/// x = n ln 2 + r; e^r by a polynomial whose coefficients minimise the largest relative error on |r| <= ln 2 / 2, times 2^n
/// made from the bits of n.
@_transparent
func exponential(_ x: Lanes) -> Lanes {
    // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits.
    let rounding: Float = 12_582_912
    let clamped = smaller(larger(x, -88), 88.7)
    let shifted = multiplyAdd(all(rounding), clamped, all(1.442_695_04))
    let n = shifted - all(rounding)
    let r = multiplyAdd(multiplyAdd(clamped, n, all(-0.693_359_375)), n, all(2.121_944_4e-4))
    var p = multiplyAdd(all(0.008_368_851_616_978_645), r, all(0.001_381_432_055_495_679_6))
    p = multiplyAdd(all(0.041_668_400_168_418_884), r, p)
    p = multiplyAdd(all(0.166_665_196_418_762_12), r, p)
    p = multiplyAdd(all(0.499_999_940_395_355_2), r, p)
    p = multiplyAdd(all(1) + r, r * r, p)
    let power = (bits(shifted) &+ IntLanes(repeating: 127)) &<< IntLanes(repeating: 23)
    return p * lanes(power)
}

#if KERNELS_AVX512
/// 2^(j/32) for j in 0 ..< 32, less j in the bits where `onePlusExponential` adds it.
@_transparent
private func powersOfTwo() -> (Lanes, Lanes) {
    (
        lanes(
            IntLanes(
                0x3f80_0000, 0x3f7e_cd87, 0x3f7d_aac3, 0x3f7c_980f, 0x3f7b_95c2, 0x3f7a_a43a, 0x3f79_c3d3,
                0x3f78_f4f0,
                0x3f78_37f0, 0x3f77_8d3a, 0x3f76_f532, 0x3f76_7043, 0x3f75_fed7, 0x3f75_a15b, 0x3f75_583f,
                0x3f75_23f6
            )),
        lanes(
            IntLanes(
                0x3f75_04f3, 0x3f74_fbaf, 0x3f75_08a4, 0x3f75_2c4d, 0x3f75_672a, 0x3f75_b9be, 0x3f76_248c,
                0x3f76_a81e,
                0x3f77_44fd, 0x3f77_fbb8, 0x3f78_ccdf, 0x3f79_b907, 0x3f7a_c0c7, 0x3f7b_e4ba, 0x3f7d_257d,
                0x3f7e_83b3
            ))
    )
}

/// 1 + e to the power of -x: infinity below -88.72, 1 above 87.
///
/// 2^-x/ln 2 = 2^n 2^(j/32) 2^f with |f| <= 1/64: the second from a table in two registers, the third by a polynomial of
/// degree 2, within 5e-8. The relative error grows with |x| to 1e-6, where the sigmoid is 0 or 1 to that many digits.
@_transparent
private func onePlusExponential(minus x: Lanes) -> Lanes {
    // Adding 1.5 * 2^18 rounds to a 32nd and leaves the 32nds in the low bits.
    let rounding: Float = 393_216
    let perLn2: Float = -1.442_695_04
    let clamped = larger(smaller(x, 87), -88.73)
    let shifted = multiplyAdd(all(rounding), clamped, all(perLn2))
    let f = multiplyAdd(all(rounding) - shifted, clamped, all(perLn2))
    let power = lookUp(powersOfTwo(), bits(shifted))
    let scaled = lanes(bits(power) &+ (bits(shifted) &<< IntLanes(repeating: 18)))
    let p = multiplyAdd(all(1), f, multiplyAdd(all(0.693_157_315), f, all(0.240_228_862)))
    return multiplyAdd(all(1), scaled, p)
}

@_transparent
func sigmoid(_ x: Lanes) -> Lanes { all(1) / onePlusExponential(minus: x) }

/// Also called Swish.
@_transparent
func silu(_ x: Lanes) -> Lanes { x / onePlusExponential(minus: x) }
#else
/// 1 + e to the power of -x: infinity below -88.4, 1 above 87.7.
///
/// 2^-x/ln 2 = 2^n 2^f with |f| <= 1/2. The relative error grows with |x| to 1e-6, where the sigmoid is 0 or 1 to that many
/// digits.
@_transparent
private func onePlusExponential(minus x: Lanes) -> Lanes {
    // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits, here with the bias of an exponent.
    let rounding: Float = 12_582_912 + 127
    let perLn2: Float = -1.442_695_04
    let clamped = larger(smaller(x, 88), -88.7)
    let shifted = multiplyAdd(all(rounding), clamped, all(perLn2))
    let f = multiplyAdd(all(rounding) - shifted, clamped, all(perLn2))
    var p = multiplyAdd(all(0.009_671_725_595), f, all(0.001_326_445_447))
    p = multiplyAdd(all(0.055_507_363_241), f, p)
    p = multiplyAdd(all(0.240_222_388_291), f, p)
    p = multiplyAdd(all(0.693_146_975_160), f, p)
    p = multiplyAdd(all(1), f, p)
    return multiplyAdd(all(1), p, lanes(bits(shifted) &<< IntLanes(repeating: 23)))
}

@_transparent
func sigmoid(_ x: Lanes) -> Lanes {
    reciprocal(onePlusExponential(minus: x))
}

/// Also called Swish.
@_transparent
func silu(_ x: Lanes) -> Lanes {
    x * reciprocal(onePlusExponential(minus: x))
}
#endif

/// A polynomial near zero, where 1 - e^-2|x| would lose digits; that quotient elsewhere.
@_transparent
func hyperbolicTangent(_ x: Lanes) -> Lanes {
    let sign = bits(x) & IntLanes(repeating: Int32.min)
    let magnitude = lanes(bits(x) & IntLanes(repeating: 0x7FFF_FFFF))
    let e = exponential(magnitude * all(-2))
    let far = (all(1) - e) / (all(1) + e)
    let z = x * x
    var p = multiplyAdd(all(0.020_650_586_113_333_702), z, all(-0.005_717_043_764_889_24))
    p = multiplyAdd(all(-0.053_743_496_537_208_56), z, p)
    p = multiplyAdd(all(0.133_314_907_550_811_77), z, p)
    p = multiplyAdd(all(-0.333_332_836_627_960_2), z, p)
    let near = multiplyAdd(magnitude, magnitude * z, p)
    let value = far.replacing(with: near, where: magnitude .< all(0.625))
    return lanes(bits(value) | sign)
}

/// x Φ(x), the normal distribution's Φ by the complementary error function.
///
/// - Source: erfc by formula 7.1.26 of Abramowitz and Stegun, within 1.5e-7.
@_transparent
func gelu(_ x: Lanes) -> Lanes {
    let z = lanes(bits(x) & IntLanes(repeating: 0x7FFF_FFFF)) * all(0.707_106_78)
    let t = all(1) / multiplyAdd(all(1), z, all(0.327_591_1))
    var p = multiplyAdd(all(-1.453_152_027), t, all(1.061_405_429))
    p = multiplyAdd(all(1.421_413_741), t, p)
    p = multiplyAdd(all(-0.284_496_736), t, p)
    p = multiplyAdd(all(0.254_829_592), t, p)
    let tail = p * t * exponential(-(z * z)) * all(0.5)
    let below = x * tail
    return below.replacing(with: multiplyAdd(x, x, -tail), where: x .> all(0))
}

/// GELU with Φ by tanh: x / (1 + e^-2u).
@_transparent
func geluByTanh(_ x: Lanes) -> Lanes {
    let u = x * multiplyAdd(all(0.797_884_56), x * x, all(0.035_677_408))
    return x / (all(1) + exponential(u * all(-2)))
}

@_transparent
func hardSigmoid(_ x: Lanes) -> Lanes {
    smaller(larger(x + all(3), 0), 6) * all(1 / 6)
}

@_transparent
func hardSwish(_ x: Lanes) -> Lanes {
    x * smaller(larger(x + all(3), 0), 6) * all(1 / 6)
}

/// Natural logarithm of a positive normal number, within 1e-12.
///
/// x = m 2^e with m near 1; ln m = 2 artanh((m - 1) / (m + 1)) by its series.
func logarithm(_ x: Float) -> Float {
    let value = Double(x)
    guard value.isFinite && value > 0 else { return value == 0 ? -.infinity : x < 0 ? .nan : x }
    var exponent = Double(Int(truncatingIfNeeded: (value.bitPattern >> 52) & 0x7FF) - 1023)
    var mantissa = Double(bitPattern: value.bitPattern & 0x000F_FFFF_FFFF_FFFF | 0x3FF0_0000_0000_0000)
    if mantissa > 1.414_213_562_373_095 {
        mantissa /= 2
        exponent += 1
    }
    let s = (mantissa - 1) / (mantissa + 1)
    let z = s * s
    var series = 1.0 / 15
    var denominator = 13.0
    while denominator > 0 {
        series = series * z + 1 / denominator
        denominator -= 2
    }
    return Float(exponent * 0.693_147_180_559_945_3 + 2 * s * series)
}

#endif
