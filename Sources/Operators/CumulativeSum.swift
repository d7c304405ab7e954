// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// Sums of all elements up to each one along an axis: `torch.cumsum`.
///
/// Shape: any → the same.
public struct CumulativeSum: Operator {
    /// The axis; never negative.
    public var axis: Int
    /// Whether an element is left out of its own sum.
    public var isExclusive: Bool
    /// Whether it is summed from the end.
    public var isReverse: Bool

    /// Describes the operator.
    public init(axis: Int, isExclusive: Bool = false, isReverse: Bool = false) {
        self.axis = axis
        self.isExclusive = isExclusive
        self.isReverse = isReverse
    }

    /// The field's name.
    public var name: String { "CumSum" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] {
        [("axis", "\(axis)"), ("exclusive", isExclusive ? "1" : "0"), ("reverse", isReverse ? "1" : "0")]
    }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 1...1)
        guard (0..<inputs[0].shape.rank).contains(axis) else { throw fault("axis \(axis) of \(inputs[0].shape)") }
        return [Fact(inputs[0].elementType, inputs[0].shape)]
    }

    /// Adds up.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let x = inputs[0]
        if x.elementType.isFloatingPoint {
            return [try Tensor(summed(x.doubles(), x.shape, +), as: x.elementType, shape: x.shape)]
        }
        return [try Tensor(summed(x.integers(), x.shape, &+), as: x.elementType, shape: x.shape)]
    }

    private func summed<Number: Numeric>(
        _ values: [Number], _ shape: Shape, _ add: (Number, Number) -> Number
    ) -> [Number] {
        var values = values
        let (size, inner) = (shape[axis], shape.inner(axis))
        for lane in 0..<(shape.outer(axis) * inner) {
            let start = lane / inner * size * inner + lane % inner
            var sum = Number.zero
            for index in 0..<size {
                let place = start + (isReverse ? size - 1 - index : index) * inner
                let next = add(sum, values[place])
                values[place] = isExclusive ? sum : next
                sum = next
            }
        }
        return values
    }
}
