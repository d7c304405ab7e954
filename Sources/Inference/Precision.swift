// SPDX-License-Identifier: MIT

/// What the numbers of a network are, where its weights weigh most.
public enum Precision: String, Sendable, Hashable, CaseIterable {
    /// 32-bit floating point, as it was trained.
    case float32 = "f32"
    /// 8-bit integers, as `swiftnet quantize` brings them about; some layers may stay in Float32.
    case int8
}
