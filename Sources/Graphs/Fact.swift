// SPDX-License-Identifier: MIT

import Tensors

/// What is known of a value before the numbers come.
///
/// All dimensions are numbers: those that a file leaves free (batch, height, width) are bound when its graph is read.
public struct Fact: Sendable {
    /// Type of the elements.
    public var elementType: ElementType
    /// Sizes along the axes, the batch among them.
    public var shape: Shape
    /// How the axes are ordered in memory.
    public var order: AxisOrder
    /// The numbers, if they are known: weights, and what follows from weights and shapes only.
    public var constant: Tensor?
    /// The integers that the numbers were made of, if they were.
    public var quantized: QuantizedConstant?

    /// Describes a value in row-major order.
    public init(_ elementType: ElementType, _ shape: Shape) {
        self.elementType = elementType
        self.shape = shape
        order = .rowMajor(rank: shape.rank)
    }

    /// Describes a constant.
    public init(constant: Tensor) {
        self.init(constant.elementType, constant.shape)
        self.constant = constant
    }

    /// Number of elements.
    public var elementCount: Int { shape.elementCount }

    /// Bytes that the value takes.
    public var byteCount: Int { shape.elementCount * elementType.byteCount }

    /// Whether values of both facts are of the same type and shape, whatever their order in memory.
    public func isAlike(_ other: Fact) -> Bool { elementType == other.elementType && shape == other.shape }

    /// Whether a value of one fact may stand where one of the other is expected: the same type, shape and order.
    public func isInterchangeable(with other: Fact) -> Bool { isAlike(other) && order == other.order }
}

/// A constant as the integers that it was made of: (integers - zero point) * scale.
public struct QuantizedConstant: Sendable {
    /// Of the constant's shape.
    public var integers: Tensor
    /// One number, or one for each place of the axis.
    public var scale: Tensor
    /// As many as there are scales; nil for zeros.
    public var zeroPoint: Tensor?
    /// The axis along which scales differ.
    public var axis: Int

    /// Describes a constant.
    public init(integers: Tensor, scale: Tensor, zeroPoint: Tensor?, axis: Int) {
        self.integers = integers
        self.scale = scale
        self.zeroPoint = zeroPoint
        self.axis = axis
    }
}

extension Fact: CustomStringConvertible {
    /// For example "f32 [1, 64, 56, 56] NHWC".
    public var description: String {
        let order = order.isRowMajor ? "" : " \(order)"
        return "\(elementType.rawValue) \(shape)\(order)\(constant == nil ? "" : " constant")"
    }
}
