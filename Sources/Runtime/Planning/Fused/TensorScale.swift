// SPDX-License-Identifier: MIT

import Kernels
import Operators

/// What the unsigned bytes of a tensor stand for: (byte - zero) * scale.
struct TensorScale: Sendable, Hashable, CustomStringConvertible {
    var scale: Float
    /// 0 to 255.
    var zero: Int

    var description: String { "\(scale) from \(zero)" }

    /// What a byte stands for.
    func value(_ byte: UInt8) -> Float { Float(Int32(byte) - Int32(zero)) * scale }

    /// The byte that stands for a number, as `QuantizeLinear` has it.
    func byte(_ value: Float) -> UInt8 {
        let quotient = value / scale
        return range(.none).byte(quotient.isNaN ? 0 : quotient)
    }

    /// The bytes that an activation leaves, as bounds before the zero point is added.
    ///
    /// - Precondition: The activation is one of bounds: none, ReLU, ReLU6.
    func range(_ activation: Activation) -> Int8Range {
        var (low, high) = (Float(-zero), Float(255 - zero))
        if activation != .none { low = max(low, 0) }
        if activation == .relu6 { high = min(high, 6 / scale) }
        return Int8Range(low: min(low, high), high: high, zero: Int32(zero))
    }
}

extension Int8Range {
    /// The byte for a number of steps.
    func byte(_ steps: Float) -> UInt8 {
        let held = min(max(steps, low), high)
        return UInt8(clamping: Int(held.rounded(.toNearestOrEven)) + Int(zero))
    }
}

extension Activation {
    /// Whether it holds values between bounds, which the integer kernels do as they write.
    var isBounds: Bool { self == .none || self == .relu || self == .relu6 }
}
