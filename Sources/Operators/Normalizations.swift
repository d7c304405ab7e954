// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// (x - mean) / sqrt(variance + epsilon) * scale + bias, each channel with numbers of its own that are known.
///
/// Shape: x [N, C, ...], scale, bias, mean, variance [C] → x's.
public struct BatchNormalization: Operator {
    /// Added to the variance.
    public var epsilon: Double

    /// Describes the operator.
    public init(epsilon: Double) { self.epsilon = epsilon }

    /// The field's name.
    public var name: String { "BatchNormalization" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] { [("epsilon", "\(epsilon)")] }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 5...5)
        let x = inputs[0].shape
        guard x.rank >= 2, inputs.dropFirst().allSatisfy({ $0.shape == [x[1]] }) else {
            throw fault(
                "takes [N, C, ...] and four times [C], not \(inputs.map(\.shape.description).joined(separator: ", "))")
        }
        return [Fact(inputs[0].elementType, x)]
    }
}

/// Each row along the last axes brought to mean 0 and variance 1, then scaled and shifted: `torch.nn.LayerNorm`.
///
/// Shape: x, scale and bias (both optional) of the normalised axes' shape → x's.
public struct LayerNormalization: Operator {
    /// The first of the axes that are normalised together; never negative.
    public var axis: Int
    /// Added to the variance.
    public var epsilon: Double

    /// Describes the operator.
    public init(axis: Int, epsilon: Double) {
        self.axis = axis
        self.epsilon = epsilon
    }

    /// The field's name.
    public var name: String { "LayerNormalization" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] { [("axis", "\(axis)"), ("epsilon", "\(epsilon)")] }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 1...3)
        let x = inputs[0].shape
        guard (0..<x.rank).contains(axis) else { throw fault("axis \(axis) of \(x)") }
        for parameter in inputs.dropFirst() {
            let shape = try broadcast([parameter.shape, Shape(Array(x.dimensions[axis...]))])
            guard shape.dimensions == Array(x.dimensions[axis...]) else {
                throw fault("scale or bias \(parameter.shape) for \(x) from axis \(axis) on")
            }
        }
        return [Fact(inputs[0].elementType, x)]
    }
}

/// Each group of an image's channels brought to mean 0 and variance 1, then scaled and shifted: `torch.nn.GroupNorm`. With as many
/// groups as channels: InstanceNormalization.
///
/// Shape: x [N, C, ...], scale [C], bias [C] → x's.
public struct GroupNormalization: Operator {
    /// Number of groups.
    public var groups: Int
    /// Added to the variance.
    public var epsilon: Double

    /// Describes the operator.
    public init(groups: Int, epsilon: Double) {
        self.groups = groups
        self.epsilon = epsilon
    }

    /// The field's name.
    public var name: String { "GroupNormalization" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] { [("groups", "\(groups)"), ("epsilon", "\(epsilon)")] }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 3...3)
        let x = inputs[0].shape
        guard x.rank >= 2, groups > 0, x[1] % groups == 0, inputs.dropFirst().allSatisfy({ $0.shape == [x[1]] }) else {
            throw fault("\(groups) groups of \(x), scale \(inputs[1].shape), bias \(inputs[2].shape)")
        }
        return [Fact(inputs[0].elementType, x)]
    }
}
