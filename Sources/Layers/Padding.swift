// SPDX-License-Identifier: MIT

/// Zeros imagined around an image before a window slides over it.
public enum Padding: Sendable, Equatable, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral {
    /// So many rows and columns on each side.
    case sides(top: Int, bottom: Int, left: Int, right: Int)
    /// TensorFlow's SAME: the output is ceil(input / stride), and an odd number of zeros has the extra one at the bottom
    /// and right.
    case same

    /// The same padding on all sides.
    public init(integerLiteral value: Int) {
        self = .sides(top: value, bottom: value, left: value, right: value)
    }

    /// Padding of a literal `[vertical, horizontal]`, as PyTorch writes a pair.
    ///
    /// - Precondition: There are two elements.
    public init(arrayLiteral elements: Int...) {
        precondition(
            elements.count == 2, "padding is written [vertical, horizontal], or .sides(top:bottom:left:right:)")
        self = .sides(top: elements[0], bottom: elements[0], left: elements[1], right: elements[1])
    }

    /// The number of zeros before and after one axis, given how the window covers it.
    func amounts(input: Int, window: Int, stride: Int, isVertical: Bool) -> (before: Int, after: Int) {
        switch self {
        case .sides(let top, let bottom, let left, let right):
            return isVertical ? (top, bottom) : (left, right)
        case .same:
            // Numbers that make no sense are told of by the operator.
            guard stride > 0 else { return (0, 0) }
            let output = (input &+ stride &- 1) / stride
            let total = max(0, (output &- 1) &* stride &+ window &- input)
            return (total / 2, total - total / 2)
        }
    }
}
