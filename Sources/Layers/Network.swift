// SPDX-License-Identifier: MIT

/// A piece that turns one value into another.
public protocol Layer: Sendable {
    /// Records the layer's work on a value.
    func callAsFunction(_ input: Value) -> Value
}

/// A whole network: its layers as properties, and how they are wired.
///
/// ```swift
/// struct Net: Network {
///     let conv: Conv2d
///     let fc: Linear
///
///     init(_ weights: StateDict) throws {
///         conv = try Conv2d(1, 8, kernelSize: 3, weights: weights["conv"])
///         fc = try Linear(8, 10, weights: weights["fc"])
///     }
///
///     func forward(_ x: Value) -> Value {
///         fc(Flatten()(AdaptiveAvgPool2d(1)(ReLU()(conv(x)))))
///     }
/// }
/// ```
public protocol Network: Sendable {
    /// Wires the layers from the input to the logits. Called once per plan.
    func forward(_ input: Value) -> Value
}

/// Layers one after the other: `torch.nn.Sequential`. A network as well as a layer.
public struct Sequential: Layer, Network {
    /// The layers, first to last.
    public let layers: [any Layer]

    /// Lines up layers.
    public init(_ layers: any Layer...) {
        self.layers = layers
    }

    /// Lines up layers.
    public init(_ layers: [any Layer]) {
        self.layers = layers
    }

    /// Applies the layers in order.
    public func callAsFunction(_ input: Value) -> Value {
        layers.reduce(input) { value, layer in layer(value) }
    }

    /// Applies the layers in order.
    public func forward(_ input: Value) -> Value { self(input) }
}
