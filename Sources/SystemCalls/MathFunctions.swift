// SPDX-License-Identifier: MIT

import Glibc

/// The C library's functions of real numbers, which the standard library lacks.
package enum MathFunctions {
    package static func exp(_ x: Double) -> Double { Glibc.exp(x) }
    package static func expm1(_ x: Double) -> Double { Glibc.expm1(x) }
    package static func log(_ x: Double) -> Double { Glibc.log(x) }
    package static func log1p(_ x: Double) -> Double { Glibc.log1p(x) }
    package static func pow(_ x: Double, _ y: Double) -> Double { Glibc.pow(x, y) }
    package static func erf(_ x: Double) -> Double { Glibc.erf(x) }
    package static func sin(_ x: Double) -> Double { Glibc.sin(x) }
    package static func cos(_ x: Double) -> Double { Glibc.cos(x) }
    package static func tan(_ x: Double) -> Double { Glibc.tan(x) }
    package static func asin(_ x: Double) -> Double { Glibc.asin(x) }
    package static func acos(_ x: Double) -> Double { Glibc.acos(x) }
    package static func atan(_ x: Double) -> Double { Glibc.atan(x) }
    package static func sinh(_ x: Double) -> Double { Glibc.sinh(x) }
    package static func cosh(_ x: Double) -> Double { Glibc.cosh(x) }
    package static func tanh(_ x: Double) -> Double { Glibc.tanh(x) }
    package static func asinh(_ x: Double) -> Double { Glibc.asinh(x) }
    package static func acosh(_ x: Double) -> Double { Glibc.acosh(x) }
    package static func atanh(_ x: Double) -> Double { Glibc.atanh(x) }
}
