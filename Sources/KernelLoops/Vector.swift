// SPDX-License-Identifier: MIT

import KernelInterface

// The vector alphabet of the kernels: each level spells it with the registers it has. All of it is transparent: a call that
// takes or returns a vector would split it into parts and drag the caller's registers along.

#if KERNELS_AVX512
    typealias Vector = SIMD16<Float>
    typealias IntegerVector = SIMD16<Int32>
    typealias UnsignedVector = SIMD16<UInt32>
#elseif KERNELS_AVX2
    typealias Vector = SIMD8<Float>
    typealias IntegerVector = SIMD8<Int32>
    typealias UnsignedVector = SIMD8<UInt32>
#else
    typealias Vector = SIMD4<Float>
    typealias IntegerVector = SIMD4<Int32>
    typealias UnsignedVector = SIMD4<UInt32>
#endif

/// Floats in a vector.
@_transparent var lanes: Int { Vector.scalarCount }

/// sum + a * b: one rounding where the processor has it, two on the portable level, where one would be a library call.
@_transparent
func multiplyAdd(_ sum: Vector, _ a: Vector, _ b: Vector) -> Vector {
    #if KERNELS_AVX512 || KERNELS_AVX2
        sum.addingProduct(a, b)
    #else
        sum + a * b
    #endif
}

/// sum + a * b for one value, with the rounding of `multiplyAdd`.
@_transparent
func multiplyAdd(_ sum: Float, _ a: Float, _ b: Float) -> Float {
    #if KERNELS_AVX512 || KERNELS_AVX2
        sum.addingProduct(a, b)
    #else
        sum + a * b
    #endif
}

/// The same value in all lanes.
@_transparent
func splat(_ value: Float) -> Vector { Vector(repeating: value) }

/// Reads a vector from any address.
@_transparent
func load(_ pointer: UnsafePointer<Float>) -> Vector {
    UnsafeRawPointer(pointer).loadUnaligned(as: Vector.self)
}

/// Writes a vector to any address.
@_transparent
func store(_ vector: Vector, _ pointer: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(pointer).storeBytes(of: vector, as: Vector.self)
}

/// Reads the first `count` values into a vector, zeros behind them.
@inline(__always)
func load(_ pointer: UnsafePointer<Float>, count: Int) -> Vector {
    var vector = Vector.zero
    var lane = 0
    while lane < count {
        vector[lane] = pointer[lane]
        lane &+= 1
    }
    return vector
}

/// Writes the first `count` values of a vector.
@inline(__always)
func store(_ vector: Vector, _ pointer: UnsafeMutablePointer<Float>, count: Int) {
    var lane = 0
    while lane < count {
        pointer[lane] = vector[lane]
        lane &+= 1
    }
}
