// SPDX-License-Identifier: MIT

import KernelInterface

// The activation functions on vectors. Comparisons are false for NaN, so NaN passes through each of them.

@_transparent
func relu(_ x: Vector) -> Vector { x.replacing(with: splat(0), where: x .< splat(0)) }

@_transparent
func relu6(_ x: Vector) -> Vector {
    let positive = relu(x)
    return positive.replacing(with: splat(6), where: positive .> splat(6))
}

@_transparent
func sigmoid(_ x: Vector) -> Vector { splat(1) / (splat(1) + exponential(-x)) }

@_transparent
func silu(_ x: Vector) -> Vector { x / (splat(1) + exponential(-x)) }

@_transparent
func hardSigmoid(_ x: Vector) -> Vector { relu6(x + splat(3)) * splat(1.0 / 6) }

@_transparent
func hardSwish(_ x: Vector) -> Vector { x * relu6(x + splat(3)) * splat(1.0 / 6) }

/// By its series near zero, by the exponential elsewhere.
///
/// - Source: the coefficients of Cephes' `tanhf` (Moshier).
@_transparent
func hyperbolicTangent(_ x: Vector) -> Vector {
    let magnitude = x.replacing(with: -x, where: x .< splat(0))
    let large = splat(1) - splat(2) / (exponential(magnitude + magnitude) + splat(1))
    let square = x * x
    var p = multiplyAdd(splat(2.063_908_88e-2), square, splat(-5.704_988_73e-3))
    p = multiplyAdd(splat(-5.373_971_56e-2), square, p)
    p = multiplyAdd(splat(1.333_144_22e-1), square, p)
    p = multiplyAdd(splat(-3.333_328_19e-1), square, p)
    let small = multiplyAdd(x, x * square, p)
    let signed = large.replacing(with: -large, where: x .< splat(0))
    return small.replacing(with: signed, where: magnitude .> splat(0.625))
}

/// The error function, to 1.5e-7.
///
/// - Source: Abramowitz and Stegun, 7.1.26.
@_transparent
func errorFunction(_ x: Vector) -> Vector {
    let magnitude = x.replacing(with: -x, where: x .< splat(0))
    let t = splat(1) / multiplyAdd(splat(1), magnitude, splat(0.327_591_1))
    var p = multiplyAdd(splat(-1.453_152_027), t, splat(1.061_405_429))
    p = multiplyAdd(splat(1.421_413_741), t, p)
    p = multiplyAdd(splat(-0.284_496_736), t, p)
    p = multiplyAdd(splat(0.254_829_592), t, p)
    let value = splat(1) - p * t * exponential(-(magnitude * magnitude))
    return value.replacing(with: -value, where: x .< splat(0))
}

@_transparent
func gelu(_ x: Vector) -> Vector { splat(0.5) * x * (splat(1) + errorFunction(x * splat(0.707_106_78))) }

@_transparent
func geluTanh(_ x: Vector) -> Vector {
    let inner = splat(0.797_884_56) * multiplyAdd(x, splat(0.044_715) * x, x * x)
    return splat(0.5) * x * (splat(1) + hyperbolicTangent(inner))
}
