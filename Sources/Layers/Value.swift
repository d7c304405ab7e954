// SPDX-License-Identifier: MIT

import Tensors

/// What flows between layers while a network is wired: it has a shape, but no numbers.
///
/// `Network.forward` is called once, when a `Plan` is made; the values record what it does. The plan then runs on numbers
/// as often as one likes.
public struct Value {
    let graph: Graph
    let index: Int

    /// Sizes without the batch: `[C, H, W]` for images, `[features]` for vectors.
    public var shape: Shape { graph.nodes[index].shape }

    /// Residual addition: element by element.
    ///
    /// - Precondition: Both have the same shape.
    public static func + (left: Value, right: Value) -> Value {
        precondition(left.shape == right.shape, "cannot add values of shapes \(left.shape) and \(right.shape)")
        return left.graph.append(.add, inputs: [left, right], shape: left.shape, name: "add")
    }

    /// Scales each channel of an image by one number: the excitation of squeeze-and-excitation.
    ///
    /// - Precondition: `right` has shape [C, 1, 1] for a left side of [C, H, W].
    public static func * (left: Value, right: Value) -> Value {
        precondition(
            left.shape.rank == 3 && right.shape == [left.shape[0], 1, 1],
            "cannot scale the channels of \(left.shape) by \(right.shape)")
        return left.graph.append(.scaleChannels, inputs: [left, right], shape: left.shape, name: "scale")
    }
}
