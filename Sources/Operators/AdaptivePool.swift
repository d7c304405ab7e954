// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// Pooling into a given size: along an axis of n, output i of m takes elements floor(i * n / m) ..< ceil((i + 1) * n / m).
///
/// Shape: [N, C, H, W] → [N, C] and `outputSize`.
///
/// - Source: `torch.nn.AdaptiveAvgPool2d`, `torch.nn.AdaptiveMaxPool2d`.
public struct AdaptivePool: Operator {
    /// Whether the largest is taken, or the mean.
    public var isMax: Bool
    /// Sizes of the output along the spatial axes.
    public var outputSize: [Int]

    /// Describes the operator.
    public init(isMax: Bool = false, outputSize: [Int]) {
        self.isMax = isMax
        self.outputSize = outputSize
    }

    /// The field's name.
    public var name: String { isMax ? "AdaptiveMaxPool" : "AdaptiveAveragePool" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] { [("output_size", "\(outputSize)")] }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 1...1)
        let x = inputs[0].shape
        guard x.rank == outputSize.count + 2, outputSize.allSatisfy({ $0 > 0 }) else {
            throw fault("\(x) cannot be pooled into \(outputSize)")
        }
        return [Fact(inputs[0].elementType, try Shape(checking: Array(x.dimensions.prefix(2)) + outputSize))]
    }

    /// Pools, output by output.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let x = inputs[0]
        let sizes = Array(x.shape.dimensions.dropFirst(2))
        let strides = Array(x.shape.strides.dropFirst(2))
        let plane = x.shape.inner(1)
        let elements = x.doubles()
        var values: [Double] = []
        for image in 0..<(x.shape[0] * x.shape[1]) {
            let source = image * plane
            for position in Offsets(outputSize, strides: Shape(outputSize).strides) {
                var (rest, start) = (position, source)
                var extents = sizes
                for axis in stride(from: sizes.count - 1, through: 0, by: -1) {
                    let (index, count) = (rest % outputSize[axis], outputSize[axis])
                    rest /= count
                    let first = index * sizes[axis] / count
                    extents[axis] = ((index + 1) * sizes[axis] + count - 1) / count - first
                    start += first * strides[axis]
                }
                let window = Offsets(extents, strides: strides, start: start).map { elements[$0] }
                values.append(
                    isMax
                        ? window.reduce(-.infinity, Binary.Function.max.ofReals)
                        : window.reduce(0, +) / Double(window.count))
            }
        }
        let shape = Shape(Array(x.shape.dimensions.prefix(2)) + outputSize)
        return [try Tensor(values, as: x.elementType, shape: shape)]
    }
}
