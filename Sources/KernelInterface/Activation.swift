// SPDX-License-Identifier: MIT

/// The function that a kernel applies to each value as it writes it.
///
/// - Source: `torch.nn.functional`; `gelu` is the exact form by `erf`, `geluTanh` its approximation (`approximate="tanh"`).
public enum Activation: UInt8, Sendable, CaseIterable {
    case none
    case relu
    case relu6
    case silu
    case sigmoid
    case tanh
    case hardSwish
    case hardSigmoid
    case gelu
    case geluTanh
}
