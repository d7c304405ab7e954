// SPDX-License-Identifier: MIT

/// The type of a tensor's elements, named as PyTorch and safetensors name them in short.
public enum ElementType: String, Sendable, Hashable, CaseIterable {
    case float64 = "f64"
    case float32 = "f32"
    case float16 = "f16"
    case bfloat16 = "bf16"
    case int64 = "i64"
    case int32 = "i32"
    case int16 = "i16"
    case int8 = "i8"
    case uint8 = "u8"
    case bool = "bool"

    /// Bytes of one element.
    public var byteCount: Int {
        switch self {
        case .float64, .int64: 8
        case .float32, .int32: 4
        case .float16, .bfloat16, .int16: 2
        case .int8, .uint8, .bool: 1
        }
    }

    /// Whether elements are floating-point numbers.
    public var isFloatingPoint: Bool {
        switch self {
        case .float64, .float32, .float16, .bfloat16: true
        default: false
        }
    }
}
