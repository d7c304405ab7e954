// SPDX-License-Identifier: MIT

import Operators
import Tensors

extension Value {
    func activated(by function: Unary.Function, name: String) -> Value { append(Unary(function), name: name) }
}

/// max(x, 0). NaN stays NaN.
///
/// Shape: any → the same.
///
/// - Source: `torch.nn.ReLU`.
public struct ReLU: Layer {
    /// Makes the layer; it has no settings.
    public init() {}

    /// Records the function of each element.
    public func callAsFunction(_ input: Value) -> Value { input.activated(by: .relu, name: "relu") }
}

/// min(max(x, 0), 6).
///
/// Shape: any → the same.
///
/// - Source: `torch.nn.ReLU6`.
public struct ReLU6: Layer {
    /// Makes the layer; it has no settings.
    public init() {}

    /// Records the function of each element.
    public func callAsFunction(_ input: Value) -> Value { input.activated(by: .clip(min: 0, max: 6), name: "relu6") }
}

/// x * sigmoid(x), also called Swish.
///
/// Shape: any → the same.
///
/// - Source: `torch.nn.SiLU`.
public struct SiLU: Layer {
    /// Makes the layer; it has no settings.
    public init() {}

    /// Records the function of each element.
    public func callAsFunction(_ input: Value) -> Value { input.activated(by: .silu, name: "silu") }
}

/// 1 / (1 + exp(-x)).
///
/// Shape: any → the same.
///
/// - Source: `torch.nn.Sigmoid`.
public struct Sigmoid: Layer {
    /// Makes the layer; it has no settings.
    public init() {}

    /// Records the function of each element.
    public func callAsFunction(_ input: Value) -> Value { input.activated(by: .sigmoid, name: "sigmoid") }
}

/// The hyperbolic tangent.
///
/// Shape: any → the same.
///
/// - Source: `torch.nn.Tanh`.
public struct Tanh: Layer {
    /// Makes the layer; it has no settings.
    public init() {}

    /// Records the function of each element.
    public func callAsFunction(_ input: Value) -> Value { input.activated(by: .tanh, name: "tanh") }
}

/// x * min(max(x + 3, 0), 6) / 6.
///
/// Shape: any → the same.
///
/// - Source: `torch.nn.Hardswish`.
public struct HardSwish: Layer {
    /// Makes the layer; it has no settings.
    public init() {}

    /// Records the function of each element.
    public func callAsFunction(_ input: Value) -> Value { input.activated(by: .hardSwish, name: "hardswish") }
}

/// min(max(x + 3, 0), 6) / 6.
///
/// Shape: any → the same.
///
/// - Source: `torch.nn.Hardsigmoid`.
public struct HardSigmoid: Layer {
    /// Makes the layer; it has no settings.
    public init() {}

    /// Records the function of each element.
    public func callAsFunction(_ input: Value) -> Value {
        input.activated(by: .hardSigmoid(alpha: 1.0 / 6, beta: 0.5), name: "hardsigmoid")
    }
}

/// x times the normal distribution's probability of a value below x.
///
/// Shape: any → the same.
///
/// - Source: `torch.nn.GELU`.
public struct GELU: Layer {
    /// How the distribution is worked out.
    public enum Approximation: Sendable {
        /// By the error function.
        case none
        /// By a hyperbolic tangent, as the first BERT did.
        case tanh
    }

    let approximation: Approximation

    /// Makes the layer.
    public init(approximate approximation: Approximation = .none) {
        self.approximation = approximation
    }

    /// Records the function of each element.
    public func callAsFunction(_ input: Value) -> Value {
        input.activated(by: .gelu(tanhApproximation: approximation == .tanh), name: "gelu")
    }
}
