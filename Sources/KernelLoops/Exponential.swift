// SPDX-License-Identifier: MIT

/// e to the power of each lane, to about 2 units in the last place. NaN stays NaN; above 88.7 the result is infinity, below
/// -87.3 it is zero.
///
/// Loop-free: x = n ln 2 + r with |r| <= ln 2 / 2, e^r by a polynomial, then n is added to the exponent's bits.
///
/// - Source: the reduction and coefficients of Cephes' `expf` (Moshier).
@_transparent
func exponential(_ x: Vector) -> Vector {
    let isHuge = x .> splat(88.72)
    let isTiny = x .< splat(-87.33)
    // Adding 1.5 * 2^23 rounds to a whole number, which then stands in the low bits.
    let magic = splat(12_582_912)
    let shifted = multiplyAdd(magic, x, splat(1.442_695_04))
    let n = shifted - magic
    var r = multiplyAdd(x, n, splat(-0.693_359_375))
    r = multiplyAdd(r, n, splat(2.121_944_4e-4))
    var p = multiplyAdd(splat(1.398_199_95e-3), r, splat(1.987_569_15e-4))
    p = multiplyAdd(splat(8.333_451_9e-3), r, p)
    p = multiplyAdd(splat(4.166_579_6e-2), r, p)
    p = multiplyAdd(splat(1.666_666_55e-1), r, p)
    p = multiplyAdd(splat(5.000_000_1e-1), r, p)
    p = multiplyAdd(r + splat(1), r * r, p)
    let exponent = unsafeBitCast(shifted, to: UnsignedVector.self) &<< UnsignedVector(repeating: 23)
    let power = unsafeBitCast(unsafeBitCast(p, to: UnsignedVector.self) &+ exponent, to: Vector.self)
    return power.replacing(with: splat(.infinity), where: isHuge).replacing(with: splat(0), where: isTiny)
}
