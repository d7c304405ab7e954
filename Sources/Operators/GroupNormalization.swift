// SPDX-License-Identifier: MIT

import Graphs
import Tensors

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

    /// Normalises each group.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let x = inputs[0]
        let (inner, channels) = (x.shape.inner(1), x.shape[1])
        let (scale, bias) = (inputs[1].doubles(), inputs[2].doubles())
        var values = normalized(x.doubles(), rows: channels / groups * inner, epsilon: epsilon)
        for index in values.indices {
            let channel = index / inner % channels
            values[index] = values[index] * scale[channel] + bias[channel]
        }
        return [try Tensor(values, as: x.elementType, shape: x.shape)]
    }
}
